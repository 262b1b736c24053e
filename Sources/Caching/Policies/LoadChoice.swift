/// What is done about an expert that a token chose and that is in no slot.
///
/// Raw values are those of the wire.
public enum LoadChoice: UInt8, Hashable, Sendable {
    case high = 0
    case low = 1
    /// The token goes without it.
    case skip = 2
}

/// Where HOBBIT draws the lines between what is loaded in the high tier, in the low one, or not.
///
/// The heaviest expert of a token has the unimportance 0, each further one the gate weight of all
/// heavier ones together, of 1 for all that were chosen. So the heaviest always comes in the high
/// tier. Only experts that are missing are judged: who is in memory is used.
public struct LoadThresholds: Hashable, Sendable {
    /// Above this unimportance the low tier is enough; the paper's T1.
    public var low: Double
    /// Above this one the expert is left out; T2.
    public var skip: Double

    /// The paper's, for Mixtral: 67 % high, 30 % low, 3 % left out.
    public init(low: Double = 0.6, skip: Double = 0.9) {
        self.low = low
        self.skip = skip
    }

    /// Thresholds that part a model's own scores as the paper's part Mixtral's.
    ///
    /// - Parameters:
    ///   - scores: of all uses in a profile, in any order; what is no number is left out.
    ///   - highShare: how many stay in the high tier, at least.
    ///   - skipShare: how many are left out, at most.
    public init(scores: [Double], highShare: Double = 0.67, skipShare: Double = 0.03) {
        let sorted = scores.filter(\.isFinite).sorted()
        func quantile(_ share: Double) -> Double {
            guard let last = sorted.indices.last else { return 1 }
            let place = (min(max(share, 0), 1) * Double(sorted.count)).rounded(.up)
            return sorted[min(last, max(0, Int(place) - 1))]
        }
        low = quantile(highShare)
        skip = max(quantile(1 - skipShare), low)
    }

    public func choice(unimportance: Double) -> LoadChoice {
        if unimportance <= low { return .high }
        return unimportance <= skip ? .low : .skip
    }

    /// What is to be done about each expert of one row, were it missing.
    ///
    /// - Parameters:
    ///   - weights: the row's gate weights, heaviest first; they need not add up to 1.
    ///   - choices: memory for the answer, one for each weight.
    public func choose(_ weights: ArraySlice<Float>, into choices: inout [LoadChoice]) {
        choices.removeAll(keepingCapacity: true)
        Self.forEachScore(weights) { choices.append(choice(unimportance: $0)) }
    }

    /// The unimportance of each expert of one row, heaviest first.
    public static func scores(_ weights: ArraySlice<Float>) -> [Double] {
        var scores: [Double] = []
        forEachScore(weights) { scores.append($0) }
        return scores
    }

    private static func forEachScore(_ weights: ArraySlice<Float>, _ body: (Double) -> Void) {
        let sum = weights.reduce(0.0) { $0 + Double($1) }
        var heavier = 0.0
        for weight in weights {
            // Weights that are no weights say nothing against anybody.
            body(sum > 0 && sum.isFinite ? heavier / sum : 0)
            heavier += Double(weight)
        }
    }
}
