import Kernels
import Tensors
import Testing

private func sortedBytes(_ matrix: WeightMatrix) -> [UInt8] {
    matrix.bytes.withSpan { span in
        (0..<matrix.byteCount).map {
            unsafe span.unsafeLoad(fromByteOffset: matrix.offset + $0, as: UInt8.self)
        }.sorted()
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
        #expect(sortedBytes(panels) == sortedBytes(plain))
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
