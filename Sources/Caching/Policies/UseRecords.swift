/// When and how often experts were used, as policies need to know it.
///
/// Numbers of tokens and uses are those of the present sequence; the order of last uses is not
/// forgotten between sequences.
struct UseRecords: Sendable {
    let numbering: ExpertNumbering
    /// Tokens of this sequence so far, the present one included; a step of many rows counts once.
    private(set) var tokenCount = 0
    /// Layers with experts that were entered since the beginning.
    private(set) var passCount = 0
    /// The layer that the forward pass is in, among those with experts; -1 before the first.
    private(set) var place = -1
    private var bounds: TokenBounds
    private var useCount = 0
    /// Numbers that only grow with each use; `[expert]`, 0 before the first.
    private(set) var order: [Int]
    /// The token of this sequence that used it last, counted from 1; `[expert]`, 0 before.
    private(set) var lastTokens: [Int32]
    private(set) var uses: [Int32]
    private(set) var highUses: [Int32]
    /// The pass that used it last; `[expert]`, 0 before the first.
    private var lastPasses: [Int]
    /// Only where the policy asks for them.
    private var means: UseMeans?

    init(numbering: ExpertNumbering, policy: CachePolicy) {
        self.numbering = numbering
        bounds = TokenBounds(layerCount: numbering.placeCount)
        if case .forecast(let settings) = policy {
            means = UseMeans(
                expertCount: numbering.count,
                placeCount: numbering.placeCount,
                settings: settings
            )
        }
        // Each its own memory: arrays that share it are copied when one of them changes first.
        order = Array(repeating: 0, count: numbering.count)
        lastTokens = Array(repeating: 0, count: numbering.count)
        uses = Array(repeating: 0, count: numbering.count)
        highUses = Array(repeating: 0, count: numbering.count)
        lastPasses = Array(repeating: 0, count: numbering.count)
    }

    mutating func beginSequence() {
        tokenCount = 0
        place = -1
        bounds = TokenBounds(layerCount: numbering.placeCount)
        for expert in uses.indices {
            lastTokens[expert] = 0
            uses[expert] = 0
            highUses[expert] = 0
        }
    }

    /// The forward pass comes to a layer.
    mutating func enter(place: Int) {
        if bounds.enter(place) { tokenCount += 1 }
        guard place != self.place || numbering.placeCount == 1 else { return }
        passCount += 1
        self.place = place
        means?.enter(place: place, experts: numbering.numbers(at: place))
    }

    mutating func use(_ expert: Int, tier: Tier) {
        useCount += 1
        order[expert] = useCount
        lastTokens[expert] = Int32(truncatingIfNeeded: tokenCount)
        uses[expert] &+= 1
        if tier == .high { highUses[expert] &+= 1 }
        guard lastPasses[expert] != passCount else { return }
        lastPasses[expert] = passCount
        if numbering.places[expert] == self.place { means?.use(expert) }
    }

    /// What an expert is worth keeping for, where one of layer `place` is to come in.
    func priority(of expert: Int, under policy: CachePolicy, place: Int) -> Double {
        let tokens = Double(max(1, tokenCount))
        switch policy {
        case .lru:
            return 0
        case .lfu:
            return Double(uses[expert])
        case .hobbit(let weights):
            let layers = Double(max(1, numbering.placeCount))
            let distance = numbering.distance(from: place, to: numbering.places[expert])
            return weights.recency * Double(lastTokens[expert]) / tokens
                + weights.frequency * Double(uses[expert]) / tokens
                + weights.highFrequency * Double(highUses[expert]) / tokens
                + weights.distance * (1 - Double(distance) / layers)
        case .lcu(let lowCost):
            let low = Double(uses[expert] - highUses[expert])
            let cost = (Double(highUses[expert]) + lowCost * low) / tokens
            guard uses[expert] > 0, Int(lastTokens[expert]) >= tokenCount - 1 else { return cost }
            let distance = numbering.distance(from: place, to: numbering.places[expert])
            return cost + 1 / (Double(distance) + Self.leastDistance)
        case .forecast:
            return -layersUntilUse(of: expert)
        }
    }

    /// How many layers away an expert's next use is expected to be.
    private func layersUntilUse(of expert: Int) -> Double {
        let lap = numbering.placeCount
        let distance = numbering.distance(from: max(0, place), to: numbering.places[expert])
        // The present layer has had its chance.
        let chance = Double(distance == 0 ? lap : distance)
        let probability = max(means?.probability(of: expert) ?? 0, Self.leastProbability)
        return chance + Double(lap) * (1 / probability - 1)
    }

    /// Keeps who was never used comparable.
    private static let leastProbability = 1e-6

    /// MoE-APEX's delta, so that the present layer's experts have a distance too.
    private static let leastDistance = 0.1
}
