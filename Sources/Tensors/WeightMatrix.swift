/// A matrix of weights as it lies in the model file: row after row of blocks of one element type.
///
/// A product with it maps rows of `columnCount` activations to rows of `rowCount` outputs.
public struct WeightMatrix: Sendable {
    public let type: ElementType
    /// Outputs of a product.
    public let rowCount: Int
    /// Inputs of a product; a whole number of blocks.
    public let columnCount: Int
    public let bytes: Bytes
    /// Where in `bytes` the first row starts.
    public let offset: Int

    /// - Precondition: a row is a whole number of blocks and all rows lie inside `bytes`.
    public init(
        type: ElementType,
        rowCount: Int,
        columnCount: Int,
        bytes: Bytes,
        offset: Int = 0
    ) {
        guard let rowByteCount = type.rowByteCount(columns: columnCount) else {
            preconditionFailure("a row of \(columnCount) is no whole number of \(type.name) blocks")
        }
        precondition(
            offset >= 0 && offset + rowCount * rowByteCount <= bytes.count,
            "\(rowCount) rows of \(rowByteCount) bytes at \(offset) exceed \(bytes.count) bytes"
        )
        self.type = type
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.bytes = bytes
        self.offset = offset
        self.rowByteCount = rowByteCount
    }

    public let rowByteCount: Int

    public var byteCount: Int { rowCount * rowByteCount }
}
