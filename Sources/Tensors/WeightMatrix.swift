/// A matrix of weights of one element type.
///
/// A product with it maps rows of `columnCount` activations to rows of `rowCount` outputs.
public struct WeightMatrix: Sendable {
    /// How the blocks lie in memory.
    public enum Layout: Sendable {
        /// As in the model file, row after row.
        case rows
        /// Sixteen rows interleaved, as the products with integer weights want them: a permutation
        /// of the file's bytes, made by `Kernels`. The last panel is filled up with zeros.
        case panels
    }

    /// Rows of a panel.
    public static let panelLength = 16

    public let shape: MatrixShape
    public let layout: Layout
    public let bytes: Bytes
    /// Where in `bytes` the first row or panel starts.
    public let offset: Int

    /// - Precondition: all rows lie inside `bytes`.
    public init(_ shape: MatrixShape, layout: Layout = .rows, bytes: Bytes, offset: Int = 0) {
        self.shape = shape
        self.layout = layout
        self.bytes = bytes
        self.offset = offset
        precondition(
            offset >= 0 && offset + byteCount <= bytes.count,
            "\(rowCount) rows of \(rowByteCount) bytes at \(offset) exceed \(bytes.count) bytes"
        )
    }

    public var type: ElementType { shape.type }
    /// Outputs of a product.
    public var rowCount: Int { shape.rowCount }
    /// Inputs of a product.
    public var columnCount: Int { shape.columnCount }
    public var rowByteCount: Int { shape.rowByteCount }
    /// Bytes taken, with what fills up the last panel.
    public var byteCount: Int { shape.byteCount(in: layout) }
}
