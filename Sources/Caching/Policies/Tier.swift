/// The precision in which an expert is held.
public enum Tier: Int, CaseIterable, Hashable, Sendable {
    /// As in the model's file.
    case high
    /// Made from it at import, in fewer bits.
    case low
}

/// How many experts fit into memory, tier by tier.
public struct SlotCounts: Hashable, Sendable {
    public var high: Int
    public var low: Int

    public init(high: Int, low: Int = 0) {
        self.high = high
        self.low = low
    }

    public subscript(tier: Tier) -> Int { tier == .high ? high : low }
}
