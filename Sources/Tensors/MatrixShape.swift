/// What a matrix of weights is, without its weights: all of a stored matrix, or a slice of it.
public struct MatrixShape: Equatable, Sendable {
    public let type: ElementType
    /// Outputs of a product.
    public let rowCount: Int
    /// Which columns of the stored matrix it has.
    public let columns: Range<Int>
    /// Bytes of a row in memory.
    public let rowByteCount: Int

    /// All columns of a stored matrix.
    ///
    /// - Precondition: a row is a whole number of blocks.
    public init(type: ElementType, rowCount: Int, columnCount: Int) {
        precondition(
            columnCount % type.blockLength == 0,
            "a row of \(columnCount) is no whole number of \(type.name) blocks"
        )
        self.init(type: type, rowCount: rowCount, columns: 0..<columnCount)
    }

    /// Some columns of a stored matrix.
    ///
    /// - Precondition: `columns` begin and end at multiples of 32, where weights have blocks; a
    ///   longer block may be cut, of a type that `Kernels` computes with.
    public init(type: ElementType, rowCount: Int, columns: Range<Int>) {
        self.type = type
        self.rowCount = rowCount
        self.columns = columns
        let length = type.blockLength
        let head = min(columns.count, (length - columns.lowerBound % length) % length)
        let (whole, tail) = (columns.count - head).quotientAndRemainder(dividingBy: length)
        guard let bytes = type.rowByteCount(columns: whole * length) else {
            preconditionFailure("a row of \(columns.count) \(type.name) weights is too long")
        }
        rowByteCount = bytes + type.cutByteCount(columns: head) + type.cutByteCount(columns: tail)
    }

    /// Inputs of a product.
    public var columnCount: Int { columns.count }

    /// Columns in front of the first whole block of 256, or 256 where no such block is cut there.
    public var headLength: Int {
        guard type.blockLength == ElementType.longBlock else { return ElementType.longBlock }
        return ElementType.longBlock - columns.lowerBound % ElementType.longBlock
    }

    /// The stored blocks of a row that the columns lie in.
    public var blocks: Range<Int> {
        let length = type.blockLength
        return columns.lowerBound / length..<(columns.upperBound + length - 1) / length
    }

    /// Bytes taken, with what fills up the last panel.
    public func byteCount(in layout: WeightMatrix.Layout) -> Int {
        let length = WeightMatrix.panelLength
        return switch layout {
        case .rows: rowCount * rowByteCount
        case .panels: (rowCount + length - 1) / length * length * rowByteCount
        }
    }
}

extension ElementType {
    /// Values of the blocks that a slice of columns may cut.
    public static let longBlock = 256
    /// Where slices of columns may begin and end: blocks of rounded activations do.
    public static let sliceLength = 32

    /// Bytes of the first `columns` values of a block that is cut: its scales, and the quants of
    /// those values, which share bytes with others of the same group.
    func cutByteCount(columns: Int) -> Int {
        guard columns > 0 else { return 0 }
        guard let group else {
            preconditionFailure("a block of \(name) cannot be cut after \(columns) values")
        }
        precondition(columns % Self.sliceLength == 0, "a cut after \(columns) values")
        let present = (columns + group.length - 1) / group.length
        return blockByteCount - (blockLength / group.length - present) * group.byteCount
    }

    /// Values whose quants share bytes, and the bytes that are theirs alone.
    private var group: (length: Int, byteCount: Int)? {
        switch self {
        case .q2_K, .q3_K: (128, 32)
        case .q4_K, .q5_K: (64, 32)
        case .q6_K: (128, 96)
        case .iq4_xs: (32, 16)
        default: nil
        }
    }
}
