import Kernels
import Model
import Tensors

/// Some rows of a step on their way through the layers: all of them, or the part that is computed
/// here while workers compute the other parts' experts.
///
/// Memory for rows is kept from step to step.
final class MicroBatch {
    /// Which rows of the step's batch.
    var rows = 0..<0
    /// The residual stream, `[rows, hidden]`.
    var stream: [Float] = []
    /// A normalised copy of it on its way into products; what the experts are given.
    var input: Activations
    var routing: Routing
    /// Weighted expert outputs, `[rows, hidden]`.
    var sums: [Double] = []
    var rope: RopeTable
    /// The rows as attention sees them.
    var work: AttentionWork
    /// Whether experts are asked for these rows and have not answered.
    var isAway = false

    init(_ model: ModelDescription, _ heads: AttentionShape) {
        work = AttentionWork(heads)
        input = Activations(rowCount: 0, width: model.hiddenSize)
        routing = Routing(topK: max(1, model.expertsPerToken))
        rope = RopeTable(frequencies: model.rope.frequencies, magnitude: model.rope.magnitude)
    }

    /// Into how many parts so many rows are cut: at most `limit`, and none of them empty.
    static func count(rowCount: Int, limit: Int) -> Int { max(1, min(limit, rowCount)) }

    /// The rows of one of `count` parts of about equal length.
    static func rows(_ part: Int, of count: Int, rowCount: Int) -> Range<Int> {
        rowCount * part / count..<rowCount * (part + 1) / count
    }
}
