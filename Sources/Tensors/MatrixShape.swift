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
}

extension WeightMatrix {
    public var shape: MatrixShape {
        MatrixShape(type: type, rowCount: rowCount, columnCount: columnCount)
    }
}
