import Kernels
import Model
import Tensors

/// Matrices of random blocks of any type, in the layout that products want.
enum RandomWeights {
    private static let poolBlockCount: UInt64 = 1024

    /// Blocks are drawn from a small pool: for speed and exactness their order does not matter.
    static func matrix(
        _ type: ElementType,
        rowCount: Int,
        columnCount: Int,
        seed: UInt64
    ) -> WeightMatrix {
        var random = SeededRandom(seed: seed)
        let pool = (0..<poolBlockCount).map { _ in block(type, using: &random) }
        let shape = MatrixShape(type: type, rowCount: rowCount, columnCount: columnCount)
        let bytes = Bytes(count: shape.byteCount(in: .rows)) { span in
            for place in 0..<span.byteCount / type.blockByteCount {
                let block = pool[Int(random.next() % poolBlockCount)]
                let start = place * type.blockByteCount
                for index in block.indices {
                    span.storeBytes(of: block[index], toByteOffset: start + index, as: UInt8.self)
                }
            }
        }
        return WeightMatrix(shape, bytes: bytes).inPanels()
    }

    /// Random bits, but scales of everyday size.
    private static func block(_ type: ElementType, using random: inout SeededRandom) -> [UInt8] {
        let value = Float(2 * random.unit() - 1)
        switch type {
        case .f32: return littleEndian(value.bitPattern)
        case .f16: return littleEndian(Float16(value).bitPattern)
        case .bf16: return littleEndian(UInt16(value.bitPattern >> 16))
        default: break
        }
        var block = (0..<type.blockByteCount).map { _ in
            UInt8(truncatingIfNeeded: random.next())
        }
        for offset in type.scaleOffsets {
            let scale = Float16((random.unit() - 0.5) / 2)
            block.replaceSubrange(offset..<offset + 2, with: littleEndian(scale.bitPattern))
        }
        // The scale is a power of two: an exponent around that of 1.
        if type == .mxfp4 { block[0] = UInt8(118 + random.next() % 11) }
        return block
    }

    private static func littleEndian(_ bits: some FixedWidthInteger) -> [UInt8] {
        (0..<bits.bitWidth / 8).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
    }
}

extension WeightMatrix {
    /// The first `count` rows.
    func prefix(_ count: Int) -> WeightMatrix {
        WeightMatrix(
            MatrixShape(type: type, rowCount: count, columnCount: columnCount),
            layout: layout,
            bytes: bytes,
            offset: offset
        )
    }
}
