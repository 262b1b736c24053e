public import Caching
import Kernels
public import Model
public import Tensors

/// Experts on disk in two tiers, some of each in memory; and their arithmetic.
///
/// Of those that a layer chose and that are missing, each comes as its choice says: in the high
/// tier, in the low one, or not at all (HOBBIT, arXiv 2411.01433, 3.2). The tiers have caches of
/// their own. Used from one thread.
public final class HobbitExperts {
    private let high: SlottedExperts
    /// Nil where nothing is held in fewer bits: what deserves them comes in the high tier.
    private let low: SlottedExperts?
    /// Whether the low tier has a layer's experts in fewer bits; `[layer]`, none where there is no
    /// low tier.
    private let isLowered: [Bool]
    private let kernels: Kernels
    public private(set) var uses = TierUses()

    // Kept from layer to layer.
    private var highPairs: [ExpertArithmetic.Pair] = []
    private var lowPairs: [ExpertArithmetic.Pair] = []
    private var highGuess = Routing(topK: 1)
    private var lowGuess = Routing(topK: 1)

    init(high: SlottedExperts, low: SlottedExperts?, isLowered: [Bool], kernels: Kernels) {
        self.high = high
        self.low = low
        self.isLowered = isLowered
        self.kernels = kernels
    }

    /// What reads have cost, in both tiers.
    public var figures: ResidencyFigures {
        guard let low else { return high.figures }
        var figures = low.figures
        figures.lowUses = figures.uses
        figures.lowHits = figures.hits
        figures.add(high.figures)
        return figures
    }

    var slotCounts: SlotCounts { SlotCounts(high: high.slotCount, low: low?.slotCount ?? 0) }

    // MARK: One layer

    /// Finds out what of a layer is in memory, and begins to read the rest.
    ///
    /// - Parameters:
    ///   - choices: of each pair; none where all are to be computed in the high tier.
    /// - Precondition: the layer has the experts.
    public func begin(
        _ layer: LayerIndex,
        _ pairs: some Sequence<ExpertArithmetic.Pair>,
        choices: [LoadChoice]
    ) {
        highPairs.removeAll(keepingCapacity: true)
        lowPairs.removeAll(keepingCapacity: true)
        for (place, pair) in pairs.enumerated() {
            let id = ExpertID(layer: layer, index: pair.expert)
            // Only what is missing is judged: who is there in the high tier is used.
            let choice = choices.isEmpty || high.holds(id) ? .high : choices[place]
            if isHigh(choice, in: layer) {
                highPairs.append(pair)
            } else if choice == .low || low?.holds(id) == true {
                lowPairs.append(pair)
            } else {
                uses.skipped += 1
            }
        }
        uses.high += highPairs.count
        uses.low += lowPairs.count
        high.begin(layer, highPairs)
        low?.begin(layer, lowPairs)
    }

    /// Whether what is to be read so is read in the high tier.
    private func isHigh(_ choice: LoadChoice, in layer: LayerIndex) -> Bool {
        choice == .high || (choice == .low && !hasLow(layer))
    }

    private func hasLow(_ layer: LayerIndex) -> Bool {
        isLowered.indices.contains(layer.rawValue) && isLowered[layer.rawValue]
    }

    /// Adds the weighted outputs of the layer that was begun.
    ///
    /// - Parameters:
    ///   - activations: `[rows, hidden]`, as `ExpertArithmetic.run` wants them.
    ///   - sums: `[rows, hidden]`, f64.
    /// - Throws: `expertsMissing` where one cannot be read; nothing is under way then.
    public func finish(
        _ activations: Activations,
        into sums: inout [Double]
    ) throws(ExpertRunnerError) {
        do throws(ExpertRunnerError) {
            try high.finish(activations, into: &sums)
            guard let low else { return }
            let rows = lowPairs.isEmpty ? activations : kernels.rounded(activations)
            try low.finish(rows, into: &sums)
        } catch {
            settle()
            throw error
        }
    }

    /// Ends a layer in the middle.
    public func settle() {
        high.settle()
        low?.settle()
    }

    // MARK: What comes next

    /// Layers ahead whose choice is worth guessing.
    var foresight: Int { high.foresight }

    /// Takes a guess of what a layer will choose, which is read in the tier in which it would be
    /// read if it were chosen now.
    ///
    /// - Parameters:
    ///   - distance: as `ExpertRunner.foresee` has it.
    ///   - choices: of each expert; none where all are wanted in the high tier.
    public func foresee(
        _ layer: LayerIndex,
        distance: Int,
        _ routing: Routing,
        choices: [LoadChoice]
    ) {
        guard !choices.isEmpty else {
            return high.foresee(layer, distance: distance, routing)
        }
        highGuess.experts.removeAll(keepingCapacity: true)
        lowGuess.experts.removeAll(keepingCapacity: true)
        for (index, expert) in routing.experts.enumerated() {
            let id = ExpertID(layer: layer, index: Int(expert))
            if isHigh(choices[index], in: layer) || high.holds(id) {
                highGuess.experts.append(expert)
            } else if choices[index] == .low, high.readsAhead {
                // One disk reads both tiers, and is rather waited for by the high one.
                lowGuess.experts.append(expert)
            }
        }
        high.foresee(layer, distance: distance, highGuess)
        low?.foresee(layer, distance: distance, lowGuess)
    }
}
