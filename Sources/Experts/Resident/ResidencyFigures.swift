/// What experts on disk cost so far.
public struct ResidencyFigures: Hashable, Sendable {
    /// Experts that a layer needed, each once for all rows of a step.
    public var uses = 0
    /// Of these, the ones that were in memory, and not only because they were read ahead.
    public var hits = 0
    /// Of these, the ones whose reading began before they were chosen.
    public var foreseen = 0
    /// Of the uses and hits, those of experts that were to come in fewer bits.
    public var lowUses = 0
    public var lowHits = 0
    /// Experts whose reading began before anybody chose them.
    public var readAhead = 0
    /// Experts that were loaded while nothing was asked for, because coming work was expected to
    /// use them.
    public var idleLoads = 0
    /// Of these, the ones that were chosen before they gave way.
    public var idleUses = 0
    /// Bytes that were read.
    public var bytesRead = 0
    /// Of these, the bytes of experts that were chosen; the others were read ahead in vain.
    public var bytesNeeded = 0
    /// Time in which nothing was computed, because experts were still on their way.
    public var stalled = Duration.zero
    /// Experts that came from the model file, because the store could not give them.
    public var fallbacks = 0
    /// Experts that a layer was expected to choose, by how many layers ahead, as
    /// `ExpertRunner.foresee` has it.
    public var guesses = SIMD4<Int>()
    /// Of these, the ones that it chose.
    public var rightGuesses = SIMD4<Int>()

    public init() {}

    /// The share of the guesses so many layers ahead that were right; nil where there were none.
    public func accuracy(distance: Int) -> Double? {
        guard (0..<guesses.scalarCount).contains(distance), guesses[distance] > 0 else {
            return nil
        }
        return Double(rightGuesses[distance]) / Double(guesses[distance])
    }

    /// By how many layers ahead, from 0 on, which is the layer that comes next.
    public var accuracies: [Double] {
        (0..<guesses.scalarCount).compactMap { accuracy(distance: $0) }
    }

    /// The share of the uses that found their expert in memory; 0 where there were none.
    public var hitRate: Double { Self.share(hits, of: uses) }

    /// By tier; nil where experts came in one tier only.
    public var tierHitRates: (high: Double, low: Double)? {
        guard lowUses > 0 else { return nil }
        return (Self.share(hits - lowHits, of: uses - lowUses), Self.share(lowHits, of: lowUses))
    }

    private static func share(_ part: Int, of all: Int) -> Double {
        Double(part) / Double(max(1, all))
    }

    /// Bytes that were read ahead of experts that nobody chose, so far.
    public var bytesInVain: Int { max(0, bytesRead - bytesNeeded) }

    /// What came since `earlier`.
    public func since(_ earlier: ResidencyFigures) -> ResidencyFigures {
        var result = self
        result.uses -= earlier.uses
        result.hits -= earlier.hits
        result.foreseen -= earlier.foreseen
        result.lowUses -= earlier.lowUses
        result.lowHits -= earlier.lowHits
        result.readAhead -= earlier.readAhead
        result.idleLoads -= earlier.idleLoads
        result.idleUses -= earlier.idleUses
        result.bytesRead -= earlier.bytesRead
        result.bytesNeeded -= earlier.bytesNeeded
        result.stalled -= earlier.stalled
        result.fallbacks -= earlier.fallbacks
        result.guesses &-= earlier.guesses
        result.rightGuesses &-= earlier.rightGuesses
        return result
    }

    public mutating func add(_ other: ResidencyFigures) {
        uses += other.uses
        hits += other.hits
        foreseen += other.foreseen
        lowUses += other.lowUses
        lowHits += other.lowHits
        readAhead += other.readAhead
        idleLoads += other.idleLoads
        idleUses += other.idleUses
        bytesRead += other.bytesRead
        bytesNeeded += other.bytesNeeded
        stalled += other.stalled
        fallbacks += other.fallbacks
        guesses &+= other.guesses
        rightGuesses &+= other.rightGuesses
    }
}
