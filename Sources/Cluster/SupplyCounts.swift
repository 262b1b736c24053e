import Model

/// Where a worker's experts came from, and what went wrong on the way, since its process started.
public struct SupplyCounts: Hashable, Sendable {
    /// Experts from the file in its settings.
    public var fromFile: UInt64 = 0
    /// From a file in the directory that machines share.
    public var fromDirectory: UInt64 = 0
    public var fromCache: UInt64 = 0
    /// From the coordinator.
    public var fetched: UInt64 = 0
    /// Bytes that came from the coordinator; what an earlier attempt had left in the cache is not
    /// among them.
    public var fetchedByteCount: UInt64 = 0
    /// Experts that a file or the cache had damaged or could not read, and that were looked for
    /// elsewhere.
    public var fallBacks: UInt64 = 0
    /// Experts that came from the coordinator and found no room in the cache.
    public var notKept: UInt64 = 0

    // MARK: Experts on disk

    /// Experts on disk that shares asked for, each once for all rows of a share.
    public var storedUses: UInt64 = 0
    /// Of these, the ones that were in memory.
    public var storedHits: UInt64 = 0
    /// Of these, the ones whose reading had begun before a share asked for them.
    public var storedForeseen: UInt64 = 0
    /// Of the uses, the ones that were to come in fewer bits than the file has.
    ///
    /// None where a worker has all of them in memory so.
    public var storedLowUses: UInt64 = 0
    /// Of these, the ones that were in memory so.
    public var storedLowHits: UInt64 = 0
    /// In how many bits a lossy worker has experts besides; 0 of all others.
    public var lowBitCount: UInt32 = 0
    /// Experts that were loaded while nothing was asked for, because coming work was expected to
    /// use them.
    public var idleLoads: UInt64 = 0
    /// Of these, the ones that shares asked for before they gave way.
    public var idleUses: UInt64 = 0
    /// Bytes that were read.
    public var storedByteCount: UInt64 = 0
    /// Time in which nothing was computed because experts were still being read.
    public var stallMicroseconds: UInt64 = 0
    /// Experts that came from the model file because the packed ones could not give them.
    public var unpacked: UInt64 = 0
    /// Bytes of memory that the process may take; 0 where nothing bounds it.
    public var memoryBudget: UInt64 = 0
    /// Experts that layers to come were expected to ask for, by how many layers ahead: 0 for the
    /// layer that came next.
    public var guesses = SIMD4<UInt64>()
    /// Of these, the ones that were asked for.
    public var rightGuesses = SIMD4<UInt64>()

    public init() {}

    /// In fewer bits, as settings say it; nil where all are as in the file.
    public var lowTier: String? { LowTier(bitCount: Int(lowBitCount))?.rawValue }

    /// Uses and hits by tier; the low one only of lossy workers.
    public var storedTiers: [TierHits] {
        // Numbers of strangers need not fit together.
        let high = TierHits(
            tier: "high",
            uses: storedUses - min(storedUses, storedLowUses),
            hits: storedHits - min(storedHits, storedLowHits)
        )
        guard lowBitCount > 0 else { return [high] }
        return [high, TierHits(tier: "low", uses: storedLowUses, hits: storedLowHits)]
    }
}

/// How often experts on disk were to come in one tier, and were in memory so.
public struct TierHits: Hashable, Sendable {
    /// "high", as the file has them, or "low".
    public let tier: String
    public let uses: UInt64
    public let hits: UInt64

    public init(tier: String, uses: UInt64, hits: UInt64) {
        self.tier = tier
        self.uses = uses
        self.hits = hits
    }
}
