public import Model

/// The requests of one task that are to be served, as the choice of resident experts sees them.
public struct TaskDemand: Hashable, Sendable {
    /// Tokens of each running request's prompt; `[request]`.
    public var inputTokens: [Int]
    /// Tokens that an answer of this task is expected to have.
    public var outputTokens: Double
    /// How often the task uses each expert, relative to the layer's others; `[place][expert]`.
    public var frequencies: [[Double]]
    /// Whether the layer's experts matter to the task's answers; `[place]`.
    public var isSensitive: [Bool]

    public init(
        inputTokens: [Int],
        outputTokens: Double,
        frequencies: [[Double]],
        isSensitive: [Bool]
    ) {
        precondition(frequencies.count == isSensitive.count, "\(isSensitive.count) layers")
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.frequencies = frequencies
        self.isSensitive = isSensitive
    }

    /// Tokens that each expert is expected to get, `N_i = (sum of W_j + T W_o) s f_i`;
    /// `[place][expert]`.
    public var expectedTokens: [[Double]] {
        let tokens =
            Double(inputTokens.reduce(0, +)) + Double(inputTokens.count) * outputTokens
        return frequencies.indices.map { place in
            let sensitivity = isSensitive[place] ? 1.0 : 0
            return frequencies[place].map { tokens * sensitivity * $0 }
        }
    }
}

/// Which experts are worth their memory for the coming work, as in eMoE.
public enum ResidentExperts {
    /// The experts of each layer that get most tokens of all tasks together; `[place]`, each
    /// ascending.
    ///
    /// Where several get as many, those that are here already stay, then the lower ones: layers
    /// that no task is sensitive to load nothing.
    ///
    /// - Parameters:
    ///   - counts: how many experts of each layer fit, the paper's L; `[place]`.
    ///   - resident: those that are in memory now.
    public static func choose(
        for tasks: [TaskDemand],
        counts: [Int],
        resident: Set<ExpertID> = [],
        numbering: ExpertNumbering
    ) -> [[ExpertID]] {
        precondition(counts.count == numbering.placeCount, "\(counts.count) layers")
        let expected = tasks.map(\.expectedTokens)
        return counts.indices.map { place in
            let experts = numbering.numbers(at: place)
            let ranked = experts.map { number in
                let expert = numbering.experts[number]
                return Candidate(
                    expert: expert,
                    tokens: expected.reduce(0) { $0 + $1[place][number - experts.lowerBound] },
                    isHere: resident.contains(expert)
                )
            }
            return ranked.sorted().prefix(max(0, counts[place])).map(\.expert).sorted()
        }
    }

    /// The experts that get tokens of all tasks together, those first that get most; the lower one
    /// of two that get as many.
    ///
    /// Each token comes to all layers, so they compare across layers.
    public static func ranked(
        for tasks: [TaskDemand],
        numbering: ExpertNumbering
    ) -> [ExpertID] {
        var tokens = Array(repeating: 0.0, count: numbering.count)
        for expected in tasks.lazy.map(\.expectedTokens) {
            precondition(expected.count == numbering.placeCount, "\(expected.count) layers")
            for (place, layer) in expected.enumerated() {
                for (number, count) in zip(numbering.numbers(at: place), layer) {
                    tokens[number] += count
                }
            }
        }
        let used = tokens.indices.filter { tokens[$0] > 0 }
        return used.sorted { (-tokens[$0], $0) < (-tokens[$1], $1) }.map { numbering.experts[$0] }
    }

    /// How many experts of each layer fit a budget that all layers share evenly; what is left over
    /// goes to the first layers.
    public static func counts(slotCount: Int, numbering: ExpertNumbering) -> [Int] {
        var counts = Array(repeating: 0, count: numbering.placeCount)
        var left = min(max(0, slotCount), numbering.count)
        while left > 0 {
            for place in counts.indices where left > 0 {
                guard counts[place] < numbering.numbers(at: place).count else { continue }
                counts[place] += 1
                left -= 1
            }
        }
        return counts
    }

    private struct Candidate: Comparable {
        let expert: ExpertID
        let tokens: Double
        let isHere: Bool

        static func < (a: Self, b: Self) -> Bool {
            (-a.tokens, a.isHere ? 0 : 1, a.expert) < (-b.tokens, b.isHere ? 0 : 1, b.expert)
        }
    }
}
