package import Experts

/// Memory that a worker's budget leaves for shards of experts, which are in memory, where whole
/// experts stay on disk.
///
/// A budget is divided once, when a worker loads first. Shards that come later must do with what
/// was left for them then.
package struct ShardRoom: Equatable, Sendable {
    package let byteCount: Int

    /// What the first shards take, and no more.
    package init(_ shards: Int) { byteCount = shards }

    /// What a budget leaves that was divided with the first shards counted as fixed.
    ///
    /// - Parameter shards: their bytes.
    package init(_ shards: Int, of budget: Int, _ needs: MemoryPlan.Needs) {
        // Where all other experts are in memory, what they leave is nobody's.
        byteCount = shards + max(0, budget - needs.fixed - needs.expertCount * needs.slot)
    }

    /// Whether so many bytes of shards, all that would be held, keep to the budget.
    package func holds(_ shards: Int) -> Bool { shards <= byteCount }
}
