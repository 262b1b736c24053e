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

    public let type: ElementType
    /// Outputs of a product.
    public let rowCount: Int
    /// Inputs of a product; a whole number of blocks.
    public let columnCount: Int
    public let layout: Layout
    public let bytes: Bytes
    /// Where in `bytes` the first row or panel starts.
    public let offset: Int
    public let rowByteCount: Int

    /// - Precondition: a row is a whole number of blocks and all rows lie inside `bytes`.
    public init(
        type: ElementType,
        rowCount: Int,
        columnCount: Int,
        layout: Layout = .rows,
        bytes: Bytes,
        offset: Int = 0
    ) {
        guard let rowByteCount = type.rowByteCount(columns: columnCount) else {
            preconditionFailure("a row of \(columnCount) is no whole number of \(type.name) blocks")
        }
        self.type = type
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.layout = layout
        self.bytes = bytes
        self.offset = offset
        self.rowByteCount = rowByteCount
        precondition(
            offset >= 0 && offset + byteCount <= bytes.count,
            "\(rowCount) rows of \(rowByteCount) bytes at \(offset) exceed \(bytes.count) bytes"
        )
    }

    /// Bytes taken, with what fills up the last panel.
    public var byteCount: Int {
        switch layout {
        case .rows: rowCount * rowByteCount
        case .panels: panelCount * Self.panelLength * rowByteCount
        }
    }

    /// Panels that hold so many rows.
    public var panelCount: Int { (rowCount + Self.panelLength - 1) / Self.panelLength }
}
