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
/// 1. keys `[16 groups][key width][16 positions]`, so that a register takes one dimension of 16
///    positions, and their scales `[16 groups][blocks][16 positions]`;
/// 2. values `[256 positions][value width, rounded up to 16]`, so that a register takes 16
///    dimensions of one position, and their scales `[256 positions][blocks]`.
public struct CacheLayout: Equatable, Sendable {
    public let heads: AttentionShape
    public let layerCount: Int
    public let format: CacheFormat

    /// Positions of a page: one tile of attention.
    public static let pageLength = Int(MOIETY_TILE)
    /// Positions whose keys lie side by side.
    static let lanes = 16
    /// Values of a head that share a scale.
    private static let blockLength = 32

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

    static func blockCount(width: Int) -> Int { (width + blockLength - 1) / blockLength }

    var keyScalesOffset: Int { Self.pageLength * heads.keyHeadWidth * format.valueByteCount }

    var valuesOffset: Int {
        keyScalesOffset + Self.pageLength * format.scaleByteCount(width: heads.keyHeadWidth)
    }

    /// Values from one position to the next.
    var valueStride: Int { (heads.valueHeadWidth + Self.lanes - 1) / Self.lanes * Self.lanes }

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

    /// Where the key of a position of the page starts, in values; the next dimension is `lanes`
    /// further on.
    func keyIndex(position: Int) -> Int {
        let (group, lane) = position.quotientAndRemainder(dividingBy: Self.lanes)
        return group * heads.keyHeadWidth * Self.lanes + lane
    }

    /// Where its scales start; the next block is `lanes` further on.
    func keyScaleIndex(position: Int) -> Int {
        let (group, lane) = position.quotientAndRemainder(dividingBy: Self.lanes)
        return group * Self.blockCount(width: heads.keyHeadWidth) * Self.lanes + lane
    }

    func byteOffset(ofValues count: Int) -> Int { count * format.valueByteCount }
}
