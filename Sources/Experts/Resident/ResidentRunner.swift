public import Model
public import Tensors

/// Computes experts in this process with memory for some of them; the others are read when they are
/// chosen, or before.
///
/// Exact: every chosen expert is computed, and sums do not depend on the order, so the answer has
/// the bits that it has with all experts in memory. Used from one thread.
public final class ResidentRunner: ExpertRunner {
    private let experts: SlottedExperts
    private var turns = PartTurns()

    public init(_ experts: SlottedExperts) { self.experts = experts }

    /// Experts that are in memory at once.
    public var slotCount: Int { experts.slotCount }
    public var figures: ResidencyFigures { experts.figures }

    public func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        let batch = RoutedBatch(layer: layer, activations: activations, routing: routing)
        if turns.start(batch, of: part) { experts.begin(layer, routing) }
    }

    public func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        let batch = turns.finish(
            part,
            settle: { experts.settle() },
            begin: { experts.begin($0.layer, $0.routing) }
        )
        guard let batch else { return }
        try experts.finish(batch.activations, into: &sums)
    }

    public func cancel() {
        turns.cancel()
        experts.settle()
    }

    // MARK: What comes next

    public var foresight: Int { experts.foresight }

    public func foresee(_ part: Int, layer: LayerIndex, distance: Int, routing: Routing) {
        experts.foresee(layer, distance: distance, routing)
    }
}
