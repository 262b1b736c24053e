import Dispatch
import Synchronization
import Tensors

/// Reads weights of a model file on several threads, until somebody has enough.
public struct WeightReader: Sendable {
    public let model: ModelFile
    private let threadCount: Int
    private let isCancelled: @Sendable () -> Bool

    /// - Parameters:
    ///   - threadCount: reads in flight.
    ///   - isCancelled: asked before each stretch of rows; once true, reading ends with
    ///     `ModelError.cancelled`.
    public init(
        model: ModelFile,
        threadCount: Int,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) {
        self.model = model
        self.threadCount = max(1, threadCount)
        self.isCancelled = isCancelled
    }

    /// Reads a whole matrix.
    ///
    /// - Parameter body: given every row once, some at a time, in any order, from any thread.
    /// - Throws: the error of the first piece that could not be read.
    public func read(
        _ matrix: StoredMatrix,
        _ body: @Sendable (_ rows: Range<Int>, _ weights: RawSpan) -> Void
    ) throws(ModelError) {
        let most = max(1, Self.stretchByteCount / max(1, matrix.shape.rowByteCount))
        let length = most < 16 ? most : most / 16 * 16
        let count = (matrix.shape.rowCount + length - 1) / length
        let failure = Mutex<ModelError?>(nil)
        let next = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: min(threadCount, count)) { _ in
            while failure.withLock({ $0 == nil }) {
                let first = next.add(1, ordering: .relaxed).oldValue * length
                guard first < matrix.shape.rowCount else { return }
                do throws(ModelError) {
                    guard !isCancelled() else { throw .cancelled }
                    let rows = first..<min(first + length, matrix.shape.rowCount)
                    try model.read(matrix, rows: rows) { body($0, $1) }
                } catch {
                    failure.withLock { $0 = $0 ?? error }
                }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    /// What one thread takes at a time.
    private static let stretchByteCount = 1 << 20
}
