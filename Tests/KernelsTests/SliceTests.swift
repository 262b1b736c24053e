import Kernels
import Tensors
import Testing

/// Slices that begin and end in whole blocks and in the middle of them, at either end.
private let slices = [
    0..<768, 0..<32, 0..<96, 736..<768, 32..<64, 64..<224, 96..<256, 160..<352, 224..<544,
    256..<512, 384..<768, 288..<736, 32..<768,
]
private let columnCount = 768

/// `values` is `[rows, columnCount]`.
private func columns(_ values: [Float], _ columns: Range<Int>) -> [Float] {
    stride(from: 0, to: values.count, by: columnCount).flatMap { start in
        values[start + columns.lowerBound..<start + columns.upperBound]
    }
}

/// The columns of `x`, rounded as they were: slices begin where blocks of activations do.
private func slice(_ x: Activations, _ range: Range<Int>) -> Activations {
    var part = Activations(values: columns(x.values, range), width: range.count)
    kernels(.scalar).quantize(&part)
    return part
}

private func product(_ kernels: Kernels, _ w: WeightMatrix, _ x: Activations) -> [Float] {
    var y = [Float](repeating: .nan, count: x.rowCount * w.rowCount)
    kernels.multiply(w, x, into: &y, order: .fixed)
    return y
}

@Suite("Slices of the columns of weights")
struct SliceTests {
    let scalar = kernels(.scalar)

    @Test("A slice holds the columns of the whole", arguments: integerTypes + floatTypes)
    func sameWeights(type: ElementType) {
        var random = Random(seed: 91)
        let whole = randomRows(type, rows: 21, columns: columnCount, using: &random)
        var expected: [Float] = []
        scalar.dequantize(whole, rows: Array(3..<21), into: &expected)
        for range in slices {
            let part = whole.slice(rows: 3..<21, columns: range)
            var values: [Float] = []
            scalar.dequantize(part, rows: Array(0..<18), into: &values)
            #expect(same(values, columns(expected, range)), "columns \(range)")
        }
    }

    @Test("A product with a slice is the whole's with nothing beside it", arguments: integerTypes)
    func sameProducts(type: ElementType) {
        var random = Random(seed: 92)
        let rows = randomRows(type, rows: 40, columns: columnCount, using: &random)
        let whole = rows.inPanels()
        for range in slices {
            let part = rows.slice(rows: 0..<40, columns: range)
            var values = random.floats(9 * columnCount)
            for index in values.indices where !range.contains(index % columnCount) {
                values[index] = 0
            }
            var x = Activations(values: values, width: columnCount)
            scalar.quantize(&x)
            let expected = product(scalar, whole, x)
            for set in InstructionSet.supported {
                let y = product(kernels(set), part, slice(x, range))
                #expect(y == expected, "\(set.name), columns \(range)")
            }
        }
    }

    @Test("Every table gives the scalar table's bits", arguments: integerTypes)
    func tablesAgree(type: ElementType) {
        var random = Random(seed: 93)
        let rows = randomRows(type, rows: 37, columns: columnCount, using: &random)
        var x = Activations(values: random.floats(17 * columnCount), width: columnCount)
        scalar.quantize(&x)
        for range in slices {
            let w = rows.slice(rows: 0..<37, columns: range)
            let part = slice(x, range)
            let expected = product(scalar, w, part)
            for set in fasterSets {
                for count in [1, 3, 17] {
                    let y = product(kernels(set), w, part.prefix(count))
                    let isSame = same(y, Array(expected.prefix(count * 37)))
                    #expect(isSame, "\(set.name), \(count) rows, columns \(range)")
                }
            }
        }
    }
}
