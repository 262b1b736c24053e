public import Caching
public import Kernels
public import Model
public import Tensors

/// Computes experts in this process; of those that are missing, the ones that weigh little come in
/// fewer bits, or not at all (HOBBIT, arXiv 2411.01433, 3.2).
///
/// The tiers have caches of their own. Steps of several rows, as prompts are, use the high one
/// alone. Used from one thread.
public final class HobbitRunner: LossyRunner {
    private let high: SlottedExperts
    private let low: SlottedExperts
    private let thresholds: LoadThresholds
    private let kernels: Kernels
    public private(set) var uses = TierUses()

    private var turns = PartTurns()
    // Kept from layer to layer.
    private var choices: [LoadChoice] = []
    private var highPairs: [ExpertArithmetic.Pair] = []
    private var lowPairs: [ExpertArithmetic.Pair] = []
    private var highGuess = Routing(topK: 1)
    private var lowGuess = Routing(topK: 1)

    public init(
        high: SlottedExperts,
        low: SlottedExperts,
        thresholds: LoadThresholds,
        kernels: Kernels
    ) {
        self.kernels = kernels
        self.high = high
        self.low = low
        self.thresholds = thresholds
    }

    public var figures: ResidencyFigures {
        var figures = high.figures
        figures.add(low.figures)
        return figures
    }

    public var slotCounts: SlotCounts { SlotCounts(high: high.slotCount, low: low.slotCount) }

    public func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        let batch = RoutedBatch(layer: layer, activations: activations, routing: routing)
        if turns.start(batch, of: part) { begin(layer, routing) }
    }

    public func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        guard let (batch, isBegun) = turns.finish(part) else { return }
        if !isBegun {
            settle()
            begin(batch.layer, batch.routing)
        }
        do throws(ExpertRunnerError) {
            try high.finish(batch.activations, into: &sums)
            let rows = lowPairs.isEmpty ? batch.activations : kernels.rounded(batch.activations)
            try low.finish(rows, into: &sums)
        } catch {
            settle()
            throw error
        }
    }

    public func cancel() {
        turns.cancel()
        settle()
    }

    private func settle() {
        high.settle()
        low.settle()
    }

    private func begin(_ layer: LayerIndex, _ routing: Routing) {
        highPairs.removeAll(keepingCapacity: true)
        lowPairs.removeAll(keepingCapacity: true)
        if routing.rowCount == 1 { choose(layer, routing) } else { takeAll(routing) }
        uses.high += highPairs.count
        uses.low += lowPairs.count
        high.begin(layer, highPairs)
        low.begin(layer, lowPairs)
    }

    private func takeAll(_ routing: Routing) {
        for index in routing.experts.indices { highPairs.append(routing.pair(at: index)) }
    }

    /// Only what is missing is judged: who is there in the high tier is used.
    private func choose(_ layer: LayerIndex, _ routing: Routing) {
        thresholds.choose(routing.weights[...], into: &choices)
        for (index, expert) in routing.experts.enumerated() {
            let id = ExpertID(layer: layer, index: Int(expert))
            let pair = routing.pair(at: index)
            if choices[index] == .high || high.holds(id) {
                highPairs.append(pair)
            } else if choices[index] == .low || low.holds(id) {
                lowPairs.append(pair)
            } else {
                uses.skipped += 1
            }
        }
    }

    // MARK: What comes next

    public var foresight: Int { high.foresight }

    /// What is expected is read in the tier in which it would be read if it were chosen now.
    public func foresee(_ part: Int, layer: LayerIndex, distance: Int, routing: Routing) {
        guard routing.rowCount == 1 else {
            return high.foresee(layer, distance: distance, routing)
        }
        thresholds.choose(routing.weights[...], into: &choices)
        highGuess.experts.removeAll(keepingCapacity: true)
        lowGuess.experts.removeAll(keepingCapacity: true)
        for (index, expert) in routing.experts.enumerated() {
            let id = ExpertID(layer: layer, index: Int(expert))
            if choices[index] == .high || high.holds(id) {
                highGuess.experts.append(expert)
            } else if choices[index] == .low {
                lowGuess.experts.append(expert)
            }
        }
        high.foresee(layer, distance: distance, highGuess)
        low.foresee(layer, distance: distance, lowGuess)
    }
}
