public import Model
public import Tensors

/// Computes experts in this process with memory for some of them; the others are read when they are
/// chosen, or before.
///
/// Exact: every chosen expert is computed, and sums do not depend on the order, so the answer has
/// the bits that it has with all experts in memory. Used from one thread.
public final class ResidentRunner: ExpertRunner {
    private let experts: SlottedExperts
    private var batches: [Int: RoutedBatch] = [:]
    /// The part whose layer is begun; nil between layers.
    private var part: Int?

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
        batches[part] = RoutedBatch(layer: layer, activations: activations, routing: routing)
        // Others' experts are read when their turn comes.
        if self.part == nil { begin(part, layer, routing) }
    }

    public func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        guard let batch = batches.removeValue(forKey: part) else { return }
        if self.part != part {
            experts.settle()
            begin(part, batch.layer, batch.routing)
        }
        self.part = nil
        try experts.finish(batch.activations, into: &sums)
    }

    public func cancel() {
        batches.removeAll(keepingCapacity: true)
        part = nil
        experts.settle()
    }

    private func begin(_ part: Int, _ layer: LayerIndex, _ routing: Routing) {
        self.part = part
        experts.begin(layer, routing)
    }

    // MARK: What comes next

    public var foresight: Int { experts.foresight }

    public func foresee(_ part: Int, layer: LayerIndex, distance: Int, routing: Routing) {
        experts.foresee(layer, distance: distance, routing)
    }
}
