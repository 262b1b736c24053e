import CKernels

/// How keys and values are kept.
public enum CacheFormat: String, CaseIterable, Sendable {
    /// Half precision.
    case f16
    /// Int8 with an f32 scale for each 32 values of a head: 9/16 of the memory of f16.
    case q8_0

    var type: UInt32 {
        switch self {
        case .f16: UInt32(MOIETY_F16.rawValue)
        case .q8_0: UInt32(MOIETY_Q8_0.rawValue)
        }
    }

    fileprivate var valueByteCount: Int { self == .f16 ? 2 : 1 }

    fileprivate func scaleByteCount(width: Int) -> Int {
        self == .f16 ? 0 : CacheLayout.blockCount(width: width) * MemoryLayout<Float>.size
    }
}

/// Where keys and values lie in a page: 256 adjacent positions of a sequence in all layers.
///
/// A page holds layer after layer; a layer, head after head; a head
///
/// 1. keys `[8 groups][key width][32 positions]`, so that a register takes one dimension of many
///    positions, and their scales `[8 groups][blocks][32 positions]`;
/// 2. values `[blocks][256 positions][32 dimensions]`, the last block filled up, so that a
///    register takes many dimensions of one position, and their scales `[blocks][256 positions]`.
///
/// What is read together is 32 values, in half precision a line of memory, and the next line
/// follows it: processors fetch such streams ahead.
public struct CacheLayout: Equatable, Sendable {
    public let heads: AttentionShape
    public let layerCount: Int
    public let format: CacheFormat

    /// Positions of a page: one tile of attention.
    public static let pageLength = Int(MOIETY_TILE)
    /// Positions or dimensions that lie side by side, and values of a head that share a scale.
    static let lineLength = 32

    public init(heads: AttentionShape, layerCount: Int, format: CacheFormat = .f16) {
        precondition(layerCount > 0, "a cache of \(layerCount) layers")
        self.heads = heads
        self.layerCount = layerCount
        self.format = format
    }

    /// Pages that so many positions fill.
    public static func pageCount(positions: Int) -> Int {
        positions / pageLength + (positions % pageLength > 0 ? 1 : 0)
    }

    /// Bytes of 256 positions.
    public var pageByteCount: Int { layerCount * heads.keyValueHeads * headByteCount }

    static func blockCount(width: Int) -> Int { (width + lineLength - 1) / lineLength }

    var keyScalesOffset: Int { Self.pageLength * heads.keyHeadWidth * format.valueByteCount }

    var valuesOffset: Int {
        keyScalesOffset + Self.pageLength * format.scaleByteCount(width: heads.keyHeadWidth)
    }

    /// Dimensions of a value, rounded up to whole blocks.
    var valueStride: Int { Self.blockCount(width: heads.valueHeadWidth) * Self.lineLength }

    var valueScalesOffset: Int {
        valuesOffset + Self.pageLength * valueStride * format.valueByteCount
    }

    private var headByteCount: Int {
        valueScalesOffset + Self.pageLength * format.scaleByteCount(width: heads.valueHeadWidth)
    }

    /// Where a head of a layer starts in its page.
    func offset(layer: Int, head: Int) -> Int {
        (layer * heads.keyValueHeads + head) * headByteCount
    }

    /// Where the key of a position of the page starts, in values; the next dimension is a line
    /// further on.
    func keyIndex(position: Int) -> Int {
        let (group, place) = position.quotientAndRemainder(dividingBy: Self.lineLength)
        return group * heads.keyHeadWidth * Self.lineLength + place
    }

    /// Where its scales start; the next block is a line further on.
    func keyScaleIndex(position: Int) -> Int {
        let (group, place) = position.quotientAndRemainder(dividingBy: Self.lineLength)
        return group * Self.blockCount(width: heads.keyHeadWidth) * Self.lineLength + place
    }

    func byteOffset(ofValues count: Int) -> Int { count * format.valueByteCount }
}
