import Kernels
import Tensors
import Testing

private func bytes(_ matrix: WeightMatrix) -> [UInt8] {
    matrix.bytes.withSpan { span in
        (0..<matrix.byteCount).map {
            unsafe span.unsafeLoad(fromByteOffset: matrix.offset + $0, as: UInt8.self)
        }
    }
}

@Suite("Weights in panels")
struct PanelTests {
    let kernels = Kernels(instructionSet: .detected, threadCount: 1)

    @Test("Every row can be read, wherever it lies in its panel", arguments: integerTypes)
    func rowsComeBack(type: ElementType) {
        var random = Random(seed: 71)
        for columns in [96, 512] where columns % type.blockLength == 0 {
            for count in [1, 15, 16, 17, 40] {
                let plain = randomRows(type, rows: count, columns: columns, using: &random)
                let panels = plain.inPanels()
                #expect(panels.layout == .panels && panels.rowCount == count)
                var expected: [Float] = []
                var values: [Float] = []
                kernels.dequantize(plain, rows: Array(0..<count), into: &expected)
                kernels.dequantize(panels, rows: Array(0..<count), into: &values)
                #expect(same(values, expected), "\(count) rows of \(columns)")
            }
        }
    }

    @Test("Whole panels are the file's bytes in another order", arguments: integerTypes)
    func permutation(type: ElementType) {
        var random = Random(seed: 72)
        let plain = randomRows(type, rows: 48, columns: 512, using: &random)
        let panels = plain.inPanels()
        #expect(panels.byteCount == plain.byteCount)
        #expect(bytes(panels).sorted() == bytes(plain).sorted())
    }

    @Test("Rows that are written a few at a time make the same panels", arguments: integerTypes)
    func piecewise(type: ElementType) throws {
        var random = Random(seed: 73)
        let plain = randomRows(type, rows: 45, columns: 512, using: &random)
        let whole = plain.inPanels()
        for length in [1, 7, 16, 21] {
            let pieces = WeightMatrix.make(
                [plain.shape],
                in: .panels,
                shortage: { preconditionFailure("no memory for \($0.needed) bytes") },
                fill: { (writer: WeightWriter) throws(Never) in
                    for start in stride(from: 0, to: 45, by: length) {
                        let rows = start..<min(start + length, 45)
                        plain.bytes.withSpan { span in
                            let size = plain.rowByteCount
                            let bytes = rows.lowerBound * size..<rows.upperBound * size
                            writer.write(rows, of: 0, span.extracting(bytes))
                        }
                    }
                }
            )
            #expect(bytes(pieces[0]) == bytes(whole), "\(length) rows at a time")
        }
    }

    @Test("Float weights, and weights in panels already, stay where they are")
    func unchanged() {
        var random = Random(seed: 74)
        let floats = randomRows(.bf16, rows: 3, columns: 32, using: &random)
        #expect(floats.inPanels().bytes === floats.bytes)
        let panels = randomWeights(.q8_0, rows: 3, columns: 32, using: &random)
        #expect(panels.inPanels().bytes === panels.bytes)
    }
}
