public import Caching
public import Model
public import Tensors

/// Computes experts in this process, all of which are in memory in the low tier, and those that
/// weigh most in the high one, too: nothing is ever waited for.
///
/// Used from one thread.
public final class TieredRunner: LossyRunner {
    private let experts: TieredExperts
    private let low: HeldExperts
    public private(set) var uses = TierUses()

    private var batches: [Int: RoutedBatch] = [:]
    private var pairs: [ExpertArithmetic.Pair] = []

    /// - Precondition: `low` holds every expert that a router can choose, lowered.
    init(_ experts: TieredExperts, low: HeldExperts) {
        self.experts = experts
        self.low = low
    }

    public var figures: ResidencyFigures { experts.figures }

    public var slotCounts: SlotCounts { SlotCounts(high: experts.hotLimit, low: low.count) }

    public func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        batches[part] = RoutedBatch(layer: layer, activations: activations, routing: routing)
    }

    public func cancel() { batches.removeAll(keepingCapacity: true) }

    public func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        guard let batch = batches.removeValue(forKey: part) else { return }
        pairs.removeAll(keepingCapacity: true)
        for index in batch.routing.experts.indices { pairs.append(batch.routing.pair(at: index)) }
        var lowCount = 0
        do throws(MissingExpert) {
            try experts.run(
                layer: batch.layer,
                pairs: pairs,
                held: low,
                activations: batch.activations,
                into: &sums,
                onLow: { _ in lowCount += 1 }
            )
        } catch {
            throw .notReady(reason: error.description)
        }
        uses.low += lowCount
        uses.high += pairs.count - lowCount
    }
}
