public import Caching
import Kernels
public import Model
public import Tensors

/// Computes experts in this process, all of which are in memory in the low tier, and those that
/// weigh most in the high one, too: nothing is ever waited for.
///
/// Which experts are in the high tier depends on what came before, and on when reads end. Used from
/// one thread.
public final class TieredRunner: LossyRunner {
    private let arithmetic: ExpertArithmetic
    private let kernels: Kernels
    private let low: HeldExperts
    /// Nil where memory is for the low tier alone.
    private let hot: HotExperts?
    private let lowCount: Int
    public private(set) var uses = TierUses()

    private var batches: [Int: RoutedBatch] = [:]
    private var pairs: [ExpertArithmetic.Pair] = []
    /// The layer that was computed last.
    private var lastLayer = LayerIndex(0)

    /// - Precondition: `low` holds every expert that a router can choose.
    init(low: HeldExperts, hot: HotExperts?, kernels: Kernels) {
        self.low = low
        self.hot = hot
        self.kernels = kernels
        lowCount = low.count
        arithmetic = ExpertArithmetic(kernels: kernels)
    }

    public var figures: ResidencyFigures { hot?.figures ?? ResidencyFigures() }

    public var slotCounts: SlotCounts { SlotCounts(high: hot?.slotCount ?? 0, low: lowCount) }

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
        // A layer that does not come after the one before begins the next token.
        if batch.layer <= lastLayer { hot?.fade() }
        lastLayer = batch.layer
        hot?.takeArrivals()
        take(batch)
        do throws(MissingExpert) {
            try arithmetic.run(
                layer: batch.layer,
                pairs: pairs,
                held: Lent(hot: hot, low: low),
                activations: kernels.rounded(batch.activations),
                into: &sums
            )
        } catch {
            throw .notReady(reason: error.description)
        }
        for pair in pairs { hot?.promote(ExpertID(layer: batch.layer, index: pair.expert)) }
    }

    private func take(_ batch: RoutedBatch) {
        pairs.removeAll(keepingCapacity: true)
        for (index, expert) in batch.routing.experts.enumerated() {
            let id = ExpertID(layer: batch.layer, index: Int(expert))
            hot?.use(id, gateWeight: batch.routing.weights[index])
            if hot?[id] != nil { uses.high += 1 } else { uses.low += 1 }
            pairs.append(batch.routing.pair(at: index))
        }
    }
}

/// The better of what there is.
private struct Lent: ExpertHolder {
    let hot: HotExperts?
    let low: HeldExperts

    subscript(id: ExpertID) -> FeedForwardWeights? { hot?[id] ?? low[id] }
}

extension Kernels {
    /// The rows in the form that integer weights multiply, too: the low tier of experts that have
    /// float weights in the file wants them so.
    func rounded(_ rows: Activations) -> Activations {
        guard !rows.hasQuants, rows.width.isMultiple(of: Activations.blockLength) else {
            return rows
        }
        var rounded = rows
        quantize(&rounded)
        return rounded
    }
}
