import Model

/// Guesses which experts come: how often each task uses them, and who follows whom from layer to
/// layer.
///
/// The first table stands for eMoE's predictor over all layers at once, both together for the one
/// that goes layer by layer. Counts fade: a token counts half once `halfLife` more were counted for
/// its task (transitions: for any task).
public struct ExpertPredictor: Sendable {
    public struct Settings: Hashable, Sendable {
        /// Tokens after which a token counts half.
        public var halfLife = 4096.0
        /// How many tokens' worth the task's frequencies count beside few transitions.
        public var caution = 4.0
        /// How far what was chosen in the layer before is trusted; 0 leaves transitions out, and
        /// takes no memory for them.
        public var transitionWeight = 1.0

        public init() {}
    }

    public let numbering: ExpertNumbering
    public let topK: Int
    public let settings: Settings
    /// `[task][expert]`.
    private var uses: [[Double]]
    /// Uses by any task; `[expert]`.
    private var totals: [Double]
    /// `[expert]`, then one for each expert of the next layer.
    private var transitions: [[Double]]
    /// What a token counts that is counted now: older ones fade because newer ones count more.
    private var weights: [Double]
    private var totalWeight = 1.0

    public init(
        expertCounts: [Int],
        topK: Int,
        taskCount: Int = 1,
        settings: Settings = Settings()
    ) {
        precondition(topK > 0 && taskCount > 0 && settings.halfLife > 0, "top \(topK)")
        let numbering = ExpertNumbering(expertCounts: expertCounts)
        self.numbering = numbering
        self.topK = topK
        self.settings = settings
        let none = Array(repeating: 0.0, count: numbering.count)
        let countsTransitions = settings.transitionWeight > 0
        uses = Array(repeating: none, count: taskCount)
        totals = none
        transitions = numbering.places.map { place in
            let next = place + 1
            guard countsTransitions, next < numbering.placeCount else { return [] }
            return Array(repeating: 0, count: numbering.numbers(at: next).count)
        }
        weights = Array(repeating: 1, count: taskCount)
    }

    // MARK: Counting

    /// Counts a token: the experts of each layer with experts, `[place][topK]`.
    public mutating func count(_ chosen: [UInt16], task: Int = 0) {
        precondition(chosen.count == topK * numbering.placeCount, "\(chosen.count) experts")
        for place in 0..<numbering.placeCount {
            let first = numbering.numbers(at: place).lowerBound
            for index in 0..<topK {
                let expert = first + Int(chosen[place * topK + index])
                uses[task][expert] += weights[task]
                totals[expert] += totalWeight
                guard !transitions[expert].isEmpty else { continue }
                for next in 0..<topK {
                    transitions[expert][Int(chosen[(place + 1) * topK + next])] += totalWeight
                }
            }
        }
        fade(task)
    }

    /// Counts what the rows of a step chose in one layer, and not who follows whom: `[row][topK]`.
    ///
    /// They fade once the last layer was counted.
    public mutating func count(_ chosen: [Int32], at place: Int, task: Int = 0) {
        let first = numbering.numbers(at: place).lowerBound
        for expert in chosen {
            uses[task][first + Int(expert)] += weights[task]
            totals[first + Int(expert)] += totalWeight
        }
        guard place == numbering.placeCount - 1 else { return }
        for _ in 0..<chosen.count / topK { fade(task) }
    }

    /// Counts what was counted elsewhere, as if it were that of the last `halfLife` tokens.
    ///
    /// - Parameters:
    ///   - counts: rows that used each expert; `[layer][expert]`.
    ///   - rows: that were counted.
    public mutating func count(_ counts: [[Double]], rows: Double, task: Int = 0) {
        precondition(counts.map(\.count) == numbering.expertCounts, "counts of another model")
        let share = rows > 0 ? settings.halfLife / rows : 0
        for (layer, counts) in counts.enumerated() {
            for (expert, count) in zip(numbering.numbers(in: LayerIndex(layer)), counts) {
                uses[task][expert] += count * share * weights[task]
                totals[expert] += count * share * totalWeight
            }
        }
    }

    private mutating func fade(_ task: Int) {
        let growth = 1 + Self.logarithmOf2 / settings.halfLife
        weights[task] *= growth
        totalWeight *= growth
        if weights[task] > Self.largestWeight {
            for expert in uses[task].indices { uses[task][expert] /= weights[task] }
            weights[task] = 1
        }
        if totalWeight > Self.largestWeight {
            for expert in totals.indices {
                totals[expert] /= totalWeight
                for next in transitions[expert].indices { transitions[expert][next] /= totalWeight }
            }
            totalWeight = 1
        }
    }

    private static let logarithmOf2 = 0.693_147_180_559_945_3

    /// Before weights outgrow what doubles can add to counts of one.
    private static let largestWeight = 1e9

    // MARK: Guessing

    /// How often a task uses each expert of a layer, relative to the layer's others.
    ///
    /// The paper's `f_i`; all the same before anything was counted.
    public func frequencies(at place: Int, task: Int = 0) -> [Double] {
        Self.shares(uses[task][numbering.numbers(at: place)], weight: weights[task])
    }

    private static func shares(_ uses: ArraySlice<Double>, weight: Double) -> [Double] {
        // As if every expert had been used a little, so that no use is a surprise without end.
        let own = uses.map { $0 + leastUses * weight }
        let sum = own.reduce(0, +)
        return own.map { $0 / sum }
    }

    private static let leastUses = 0.05

    /// How likely each expert of a layer is, where the layer before chose `chosen`; the higher the
    /// likelier, and nothing else can be said about the numbers.
    public func scores(at place: Int, after chosen: ArraySlice<UInt16>, task: Int = 0) -> [Double] {
        var scores = frequencies(at: place, task: task)
        guard place > 0, settings.transitionWeight > 0 else { return scores }
        // Transitions are those of all tasks: what counts is how much likelier they make an expert
        // than it is with all tasks.
        let all = Self.shares(totals[numbering.numbers(at: place)], weight: totalWeight)
        let first = numbering.numbers(at: place - 1).lowerBound
        for expert in chosen {
            let from = first + Int(expert)
            let caution = settings.caution * totalWeight
            // Each use of one layer is followed by `topK` of the next.
            let sum = totals[from] * Double(topK) + caution
            for next in scores.indices {
                let probability = (transitions[from][next] + caution * all[next]) / sum
                scores[next] *= power(probability / all[next], settings.transitionWeight)
            }
        }
        return scores
    }

    /// The likeliest experts of a layer, `topK` of them; the lower of two that are as likely.
    public func best(at place: Int, after chosen: ArraySlice<UInt16>, task: Int = 0) -> [UInt16] {
        ExpertRanking.highest(scores(at: place, after: chosen, task: task), count: topK)
    }

    private func power(_ base: Double, _ exponent: Double) -> Double {
        // The usual case needs no logarithm, and this target no Foundation.
        if exponent == 1 { return base }
        return exponent == 0.5 ? base.squareRoot() : 1 + (base - 1) * exponent
    }
}

/// Which experts come first by some scores.
public enum ExpertRanking {
    /// The places of the highest scores, highest first; the lower of two that are as high.
    public static func highest(_ scores: [Double], count: Int) -> [UInt16] {
        let sorted = scores.indices.sorted { (-scores[$0], $0) < (-scores[$1], $1) }
        return sorted.prefix(count).map { UInt16(truncatingIfNeeded: $0) }
    }
}
