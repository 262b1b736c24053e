/// What a matrix of weights is, without its weights.
public struct MatrixShape: Equatable, Sendable {
    public let type: ElementType
    /// Outputs of a product.
    public let rowCount: Int
    /// Inputs of a product; a whole number of blocks.
    public let columnCount: Int
    public let rowByteCount: Int

    /// - Precondition: a row is a whole number of blocks.
    public init(type: ElementType, rowCount: Int, columnCount: Int) {
        guard let rowByteCount = type.rowByteCount(columns: columnCount) else {
            preconditionFailure("a row of \(columnCount) is no whole number of \(type.name) blocks")
        }
        self.type = type
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.rowByteCount = rowByteCount
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
