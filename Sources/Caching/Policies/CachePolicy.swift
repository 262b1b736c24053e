/// Who gives way when a slot is needed: the expert with the least priority.
///
/// Where two have the same, the one that was used longer ago gives way, then the lower one.
public enum CachePolicy: Hashable, Sendable {
    /// The one that was used longest ago.
    case lru
    /// The one that was used least in this sequence.
    case lfu
    /// HOBBIT's four terms, weighted.
    case hobbit(HobbitWeights)
    /// MoE-APEX's "least cost under": what its loads would have cost in this sequence, and how soon
    /// its layer comes again where it was just used.
    ///
    /// - Parameter lowCost: what loading the low tier takes, as a part of the high one.
    case lcu(lowCost: Double)
    /// Ours: the one whose next use is expected to be farthest away.
    case forecast(ForecastSettings)

    /// The one that won on recorded traces; docs/TIERS.md has the figures.
    public static let standard = CachePolicy.forecast(ForecastSettings())
}

/// What HOBBIT's score weighs; the weights add up to 1.
public struct HobbitWeights: Hashable, Sendable {
    /// How late in the sequence an expert was last used.
    public var recency: Double
    /// How many of the sequence's tokens used it.
    public var frequency: Double
    /// How many used it in the high tier.
    public var highFrequency: Double
    /// How soon its layer comes.
    public var distance: Double

    /// All the same.
    public static let equal = HobbitWeights(
        recency: 0.25,
        frequency: 0.25,
        highFrequency: 0.25,
        distance: 0.25
    )

    public init(recency: Double, frequency: Double, highFrequency: Double, distance: Double) {
        self.recency = recency
        self.frequency = frequency
        self.highFrequency = highFrequency
        self.distance = distance
    }
}

/// How `CachePolicy.forecast` guesses the probability that a layer uses an expert.
///
/// It mixes three means of how often the layer used it when it came: one of the last few tokens,
/// one of the last paragraph, and one that remembers hundreds of tokens. From that follows how many
/// layers away the next use is: those until the expert's layer comes, and a lap for each time that
/// it is passed by.
public struct ForecastSettings: Hashable, Sendable {
    /// What a new token counts in each mean; a mean halves in 0.7 / rate tokens.
    public var rates: SIMD3<Double>
    /// What each mean counts; they add up to 1.
    public var shares: SIMD3<Double>

    public init(
        rates: SIMD3<Double> = [0.25, 0.04, 0.004],
        shares: SIMD3<Double> = [0.2, 0.3, 0.5]
    ) {
        self.rates = rates
        self.shares = shares
    }
}
