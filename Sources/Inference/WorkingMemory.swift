public import Kernels
public import Model

/// What a forward pass takes beside its weights, before it has taken it.
///
/// For whoever must keep to a memory budget: an upper bound, not a measurement.
public struct WorkingMemory: Equatable, Sendable {
    /// Keys and values, in whole pages.
    public let cacheByteCount: Int
    /// Rows on their way through the layers, and what kernels keep for them.
    public let rowByteCount: Int

    public var byteCount: Int { cacheByteCount + rowByteCount }

    /// - Parameters:
    ///   - positions: of each sequence that is in memory at once.
    ///   - rows: of a step, at most.
    ///   - logitRows: of these, the ones that want logits.
    public init(
        _ model: ModelDescription,
        positions: [Int],
        rows: Int,
        logitRows: Int = 1,
        threadCount: Int,
        format: CacheFormat = .f16
    ) {
        let pages = positions.reduce(0) { $0 + CacheLayout.pageCount(positions: $1) }
        cacheByteCount = pages * CacheLayout(model, format: format).pageByteCount
        let width = model.layers.reduce(0) {
            max($0, model.expertsPerToken * $1.expertWidth, $1.denseWidth, $1.sharedWidth)
        }
        // Values between the products of a network: plain twice, rounded once; then its outputs.
        let inner = min(rows * width, Self.innerLimit) * 10 + rows * model.hiddenSize * 4
        let attention =
            model.headCount * (model.keyLength + 2 * model.valueLength + 16)
            * (rows + threadCount * Self.threadRows)
        // Stream, input, rounded input, the same ahead of time, projected, last, output, sums in
        // f64.
        let stream = rows * (model.hiddenSize * 12 + model.queryWidth * 3 + model.keyWidth * 2)
        let logits = model.vocabularyCount * (3 + logitRows) + rows * model.expertCount * 2
        rowByteCount = inner + (attention + stream + logits) * MemoryLayout<Float>.size
    }

    /// What kernels keep between the two products of experts at most: see `FeedForwardRun`; once
    /// more for one expert that goes beyond.
    private static let innerLimit = 2 << 21
    /// Queries that a thread packs at once.
    private static let threadRows = 64
}
