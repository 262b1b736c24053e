/// In which tier rows used the experts that they wanted; one use is one row's visit to one expert.
public struct TierUses: Hashable, Sendable {
    public var high: Int
    public var low: Int
    /// The row went without it.
    public var skipped: Int
    /// The row went to another one, because it was absent.
    public var substituted: Int

    public init(high: Int = 0, low: Int = 0, skipped: Int = 0, substituted: Int = 0) {
        self.high = high
        self.low = low
        self.skipped = skipped
        self.substituted = substituted
    }

    public var all: Int { high + low + skipped + substituted }
    public var lowShare: Double { Double(low) / Double(max(1, all)) }
    public var skippedShare: Double { Double(skipped) / Double(max(1, all)) }
    public var substitutedShare: Double { Double(substituted) / Double(max(1, all)) }

    public mutating func add(_ other: TierUses) {
        high += other.high
        low += other.low
        skipped += other.skipped
        substituted += other.substituted
    }

    /// What came since `earlier`.
    public func since(_ earlier: TierUses) -> TierUses {
        var result = self
        result.high -= earlier.high
        result.low -= earlier.low
        result.skipped -= earlier.skipped
        result.substituted -= earlier.substituted
        return result
    }
}
