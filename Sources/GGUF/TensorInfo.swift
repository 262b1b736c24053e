public import Tensors

/// A tensor of a model file: what it is and where it lies.
public struct TensorInfo: Equatable, Sendable {
    public let name: String
    public let type: ElementType
    /// One to four sizes, the fastest varying one first.
    ///
    /// A matrix is `[columns, rows]`, the experts of a layer are `[columns, rows, experts]`. None
    /// is zero, and their product fits.
    public let dimensions: [Int]
    /// Which of the model's files holds it, from 0.
    public let part: Int
    /// Where in that file its data starts.
    public let fileOffset: Int
    public let byteCount: Int
}
