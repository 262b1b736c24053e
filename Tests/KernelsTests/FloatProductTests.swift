import Kernels
import Tensors
import Testing

@Suite("Products with float weights")
struct FloatProductTests {
    private func product(
        _ kernels: Kernels,
        _ w: WeightMatrix,
        _ x: [Float],
        order: ProductOrder
    ) -> [Float] {
        let x = Activations(values: x, width: w.columnCount)
        var y = [Float](repeating: .nan, count: x.rowCount * w.rowCount)
        kernels.multiply(w, x, into: &y, order: order)
        return y
    }

    /// Largest error against a sum in double precision, as a share of the sum of magnitudes.
    private func error(_ y: [Float], _ w: WeightMatrix, _ x: [Float]) -> Double {
        let columns = w.columnCount
        var weights: [Float] = []
        var worst = 0.0
        for output in 0..<w.rowCount {
            kernels(.scalar).dequantize(w, row: output, into: &weights)
            for row in 0..<x.count / columns {
                var sum = 0.0
                var size = 0.0
                for column in 0..<columns {
                    let term = Double(weights[column]) * Double(x[row * columns + column])
                    sum += term
                    size += abs(term)
                }
                worst = max(worst, abs(Double(y[row * w.rowCount + output]) - sum) / size)
            }
        }
        return worst
    }

    @Test("Every table gives the scalar table's bits, which are right", arguments: floatTypes)
    func tablesAgree(type: ElementType) {
        var random = Random(seed: 11)
        for columns in [1, 7, 16, 31, 64, 257] {
            for outputs in [1, 3, 4, 9] {
                let w = randomWeights(type, rows: outputs, columns: columns, using: &random)
                let x = random.floats(3 * columns)
                let expected = product(kernels(.scalar), w, x, order: .fixed)
                #expect(error(expected, w, x) < 0x1p-20)
                for set in fasterSets {
                    #expect(same(product(kernels(set), w, x, order: .fixed), expected))
                }
            }
        }
    }

    @Test("In fixed order a row of a large batch equals the row alone", arguments: floatTypes)
    func fixedOrder(type: ElementType) {
        var random = Random(seed: 12)
        let kernels = kernels(.detected, threads: 2)
        let w = randomWeights(type, rows: 130, columns: 160, using: &random)
        let x = random.floats(40 * 160)
        let together = product(kernels, w, x, order: .fixed)
        for row in [0, 17, 39] {
            let alone = product(kernels, w, rows(x, row..<row + 1, width: 160), order: .fixed)
            #expect(alone == rows(together, row..<row + 1, width: 130))
        }
    }

    @Test("Large products by OpenBLAS are right within rounding", arguments: floatTypes)
    func blas(type: ElementType) {
        var random = Random(seed: 13)
        let (outputs, columns) = (1050, 1024)
        let w = randomWeights(type, rows: outputs, columns: columns, using: &random)
        let x = random.floats(33 * columns)
        let fast = product(kernels(.detected, threads: 3), w, x, order: .fast)
        let fixed = product(kernels(.detected), w, x, order: .fixed)
        let worst = zip(fast, fixed).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        // Sums of 1024 products of numbers below 2 and 1.
        #expect(worst < 1024 * 2 * 0x1p-20)
        #expect(fast.allSatisfy { $0.isFinite })
    }
}
