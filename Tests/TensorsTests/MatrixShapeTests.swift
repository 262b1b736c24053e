import Tensors
import Testing

@Suite("Shapes of slices")
struct MatrixShapeTests {
    @Test(
        "A cut block keeps its scales and the quants that its columns need",
        arguments: [
            (ElementType.q2_K, 84 + 20 + 32, 20 + 32 + 84),
            (.q3_K, 110 + 46 + 32, 46 + 32 + 110),
            (.q4_K, 144 + 16 + 64, 16 + 64 + 16 + 96),
            (.q5_K, 176 + 48 + 64, 48 + 64 + 48 + 96),
            (.q6_K, 210 + 18 + 96, 18 + 96 + 210),
            (.iq4_xs, 136 + 8 + 64, 8 + 64 + 8 + 96),
            (.q8_0, 12 * 34, 10 * 34),
            (.f16, 768, 640),
        ]
    )
    func bytes(type: ElementType, fromStart: Int, fromMiddle: Int) {
        let start = MatrixShape(type: type, rowCount: 4, columns: 0..<384)
        #expect(start.rowByteCount == fromStart && start.columnCount == 384)
        let middle = MatrixShape(type: type, rowCount: 4, columns: 384..<704)
        #expect(middle.rowByteCount == fromMiddle)
        #expect(middle.byteCount(in: .panels) == 16 * middle.rowByteCount)
    }

    @Test("Blocks that a slice lies in, and where its first whole one begins")
    func blocks() {
        let cut = MatrixShape(type: .q4_K, rowCount: 1, columns: 96..<544)
        #expect(cut.blocks == 0..<3 && cut.headLength == 160)
        let inside = MatrixShape(type: .q4_K, rowCount: 1, columns: 288..<352)
        #expect(inside.blocks == 1..<2 && inside.headLength == 224)
        let short = MatrixShape(type: .q8_0, rowCount: 1, columns: 96..<544)
        #expect(short.blocks == 3..<17 && short.headLength == 256)
        let whole = MatrixShape(type: .q6_K, rowCount: 2, columnCount: 512)
        #expect(whole.columns == 0..<512 && whole.headLength == 256)
    }
}
