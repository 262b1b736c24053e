public import Caching
public import Model
public import Tensors

/// Computes experts in this process; of those that are missing, the ones that weigh little come in
/// fewer bits, or not at all (HOBBIT, arXiv 2411.01433, 3.2).
///
/// Steps of several rows, as prompts are, use the high tier alone. Used from one thread.
public final class HobbitRunner: LossyRunner {
    private let experts: HobbitExperts
    private let thresholds: LoadThresholds
    private var turns = PartTurns()
    /// Kept from layer to layer.
    private var choices: [LoadChoice] = []

    init(_ experts: HobbitExperts, thresholds: LoadThresholds) {
        self.experts = experts
        self.thresholds = thresholds
    }

    public var uses: TierUses { experts.uses }
    public var figures: ResidencyFigures { experts.figures }
    public var slotCounts: SlotCounts { experts.slotCounts }

    public func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        let batch = RoutedBatch(layer: layer, activations: activations, routing: routing)
        if turns.start(batch, of: part) { begin(batch) }
    }

    public func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        let batch = turns.finish(part, settle: { experts.settle() }, begin: { begin($0) })
        guard let batch else { return }
        try experts.finish(batch.activations, into: &sums)
    }

    public func cancel() {
        turns.cancel()
        experts.settle()
    }

    private func begin(_ batch: RoutedBatch) {
        let routing = batch.routing
        judge(routing)
        let pairs = routing.experts.indices.lazy.map { routing.pair(at: $0) }
        experts.begin(batch.layer, pairs, choices: choices)
    }

    private func judge(_ routing: Routing) {
        choices.removeAll(keepingCapacity: true)
        if routing.rowCount == 1 { thresholds.choose(routing.weights[...], into: &choices) }
    }

    // MARK: What comes next

    public var foresight: Int { experts.foresight }

    public func foresee(_ part: Int, layer: LayerIndex, distance: Int, routing: Routing) {
        judge(routing)
        experts.foresee(layer, distance: distance, routing, choices: choices)
    }
}
