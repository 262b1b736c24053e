import Kernels
import Tensors
import Testing

private let rowCounts = [1, 2, 3, 5, 8, 17, 33]
private let outputCounts = [1, 7, 8, 15, 16, 17, 63]

extension Activations {
    /// The first `count` rows, both forms.
    func prefix(_ count: Int) -> Activations {
        var part = Activations(values: Array(values.prefix(count * width)), width: width)
        part.quants = Array(quants.prefix(count * width))
        part.scales = Array(scales.prefix(count * width / Activations.blockLength))
        return part
    }
}

private func product(_ kernels: Kernels, _ w: WeightMatrix, _ x: Activations) -> [Float] {
    var y = [Float](repeating: .nan, count: x.rowCount * w.rowCount)
    kernels.multiply(w, x, into: &y)
    return y
}

/// The first `rows` rows of `w`.
private func prefix(_ w: WeightMatrix, _ rows: Int) -> WeightMatrix {
    WeightMatrix(
        MatrixShape(type: w.type, rowCount: rows, columnCount: w.columnCount),
        layout: w.layout,
        bytes: w.bytes
    )
}

@Suite("Products with integer weights")
struct IntegerProductTests {
    let scalar = kernels(.scalar)

    @Test("Every table gives the scalar table's bits for odd shapes", arguments: integerTypes)
    func tablesAgree(type: ElementType) {
        let seed: UInt64 = 2
        var random = Random(seed: seed)
        for columns in [32, 64, 256, 512, 2048] where columns % type.blockLength == 0 {
            let w = randomWeights(type, rows: 63, columns: columns, using: &random)
            var x = Activations(values: random.floats(33 * columns), width: columns)
            scalar.quantize(&x)
            let expected = product(scalar, w, x)
            for set in fasterSets {
                let kernels = kernels(set)
                for rows in rowCounts {
                    for outputs in outputCounts {
                        let y = product(kernels, prefix(w, outputs), x.prefix(rows))
                        let equal = (0..<rows).allSatisfy { row in
                            let whole = row * 63
                            let part = row * outputs
                            return same(
                                Array(y[part..<part + outputs]),
                                Array(expected[whole..<whole + outputs])
                            )
                        }
                        #expect(equal, "\(set.name) \(rows)x\(columns)x\(outputs) seed \(seed)")
                    }
                }
            }
        }
    }

    @Test("The scalar table is right within rounding", arguments: integerTypes)
    func scalarIsRight(type: ElementType) {
        var random = Random(seed: 3)
        let columns = 512
        let w = randomWeights(type, rows: 9, columns: columns, using: &random)
        var x = Activations(values: random.floats(4 * columns), width: columns)
        scalar.quantize(&x)
        let y = product(scalar, w, x)
        var weights: [Float] = []
        for output in 0..<9 {
            scalar.dequantize(w, row: output, into: &weights)
            let largest = Double(weights.reduce(0) { max($0, abs($1)) })
            for row in 0..<4 {
                var sum = 0.0
                var size = 0.0
                for column in 0..<columns {
                    let index = row * columns + column
                    let value = Double(x.quants[index]) * Double(x.scales[index / 32])
                    sum += value * Double(weights[column])
                    size += abs(value) * largest
                }
                let error = abs(Double(y[row * 9 + output]) - sum)
                #expect(error <= size * 0x1p-20, "output \(output) of row \(row)")
            }
        }
    }

    @Test("A row of a batch equals the row alone", arguments: integerTypes)
    func rowsAreIndependent(type: ElementType) {
        var random = Random(seed: 4)
        let kernels = kernels(.detected)
        let w = randomWeights(type, rows: 40, columns: 256, using: &random)
        var x = Activations(values: random.floats(11 * 256), width: 256)
        kernels.quantize(&x)
        let together = product(kernels, w, x)
        for row in 0..<11 {
            var alone = Activations(values: rows(x.values, row..<row + 1, width: 256), width: 256)
            kernels.quantize(&alone)
            #expect(product(kernels, w, alone) == rows(together, row..<row + 1, width: 40))
        }
    }

    @Test("The number of threads changes nothing", arguments: [ElementType.q8_0, .q4_K, .f32])
    func threadsAgree(type: ElementType) {
        var random = Random(seed: 5)
        let w = randomWeights(type, rows: 333, columns: 1024, using: &random)
        var x = Activations(values: random.floats(7 * 1024), width: 1024)
        scalar.quantize(&x)
        let one = product(kernels(.detected), w, x)
        for threads in [2, 3] {
            #expect(product(kernels(.detected, threads: threads), w, x) == one)
        }
    }

    @Test("Strange activations give the same bits in every table")
    func strangeValues() {
        var random = Random(seed: 6)
        let strange: [Float] = [
            .nan, .infinity, -.infinity, 0, -0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude,
            .leastNormalMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1, -1,
        ]
        for trial in 0..<40 {
            var values = [Float](repeating: 0, count: 4 * 64)
            // Later trials leave more and more blocks without the values that poison them.
            let pool = Array(strange.dropFirst(trial % 10))
            for index in values.indices where UInt8.random(in: 0..<3, using: &random) == 0 {
                values[index] = pool.randomElement(using: &random) ?? 0
            }
            var expected = Activations(values: values, width: 64)
            scalar.quantize(&expected)
            let w = randomWeights(.q8_0, rows: 17, columns: 64, using: &random)
            let outputs = product(scalar, w, expected)
            for set in fasterSets {
                let kernels = kernels(set)
                var x = Activations(values: values, width: 64)
                kernels.quantize(&x)
                #expect(x.quants == expected.quants)
                #expect(same(x.scales, expected.scales))
                #expect(same(product(kernels, w, x), outputs))
            }
        }
    }
}

@Suite("Rounding of activations")
struct RoundingTests {
    let tables = InstructionSet.supported.map { kernels($0) }

    @Test("Values come back within half a step of their block")
    func halfStep() {
        var random = Random(seed: 7)
        for kernels in tables {
            var x = Activations(values: random.floats(3 * 96, limit: 50), width: 96)
            kernels.quantize(&x)
            for (index, value) in x.values.enumerated() {
                let scale = x.scales[index / 32]
                #expect(abs(Float(x.quants[index]) * scale - value) <= scale * 0.5001)
            }
        }
    }

    @Test("Halves go to the even neighbour")
    func tiesToEven() {
        for kernels in tables {
            var values = [Float](repeating: 0, count: 32)
            values.replaceSubrange(0..<6, with: [127, 0.5, 1.5, 2.5, -0.5, -1.5])
            var x = Activations(values: values, width: 32)
            kernels.quantize(&x)
            #expect(Array(x.quants.prefix(6)) == [127, 0, 2, 2, 0, -2])
            #expect(x.scales == [1])
        }
    }

    @Test("A block with a NaN or an infinity has no quants and a scale that shows it")
    func poisonedBlocks() {
        for kernels in tables {
            for poison in [Float.nan, .infinity, -.infinity] {
                var values = [Float](repeating: 1, count: 64)
                values[40] = poison
                var x = Activations(values: values, width: 64)
                kernels.quantize(&x)
                #expect(x.scales[0] == 1 / 127 && x.scales[1].isNaN)
                #expect(Set(x.quants[0..<32]) == [127] && Set(x.quants[32...]) == [0])
            }
        }
    }

    @Test("Zeros have scale 0, and the smallest numbers do not trap or turn into anything large")
    func smallBlocks() {
        for kernels in tables {
            var values = [Float](repeating: 0, count: 64)
            values[32] = .leastNonzeroMagnitude
            var x = Activations(values: values, width: 64)
            kernels.quantize(&x)
            #expect(x.scales[0] == 0)
            #expect(x.scales[1] <= .leastNonzeroMagnitude)
            #expect(x.quants[32] == 127 && Set(x.quants[33...]) == [0])
        }
    }
}
