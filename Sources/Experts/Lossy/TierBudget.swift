public import Caching
import ExpertStore
public import Model

/// A memory budget that two tiers of experts share.
public struct TierBudget: Equatable, Sendable {
    let byteCount: Int
    public let options: TierOptions
    private let needs: LossyPlan.Needs

    /// - Parameters:
    ///   - byteCount: that the process may have in memory.
    ///   - fixed: what it has and takes for everything but experts.
    /// - Throws: what the model's experts are refused for.
    public init(
        _ byteCount: Int,
        of model: ModelFile,
        _ options: TierOptions,
        fixed: Int
    ) throws(ModelError) {
        let high = try StoreLayout(model.layout)
        var lowSlot = 0
        if let tier = options.tier {
            lowSlot = try StoreLayout(model.layout.lowered(to: tier)).slotByteCount
        }
        self.byteCount = byteCount
        self.options = options
        needs = LossyPlan.Needs(
            fixed: fixed,
            highSlot: high.slotByteCount,
            lowSlot: lowSlot,
            expertCount: high.expertCount,
            // A row's experts of a layer, and as many on their way.
            leastSlots: 2 * max(1, model.description.expertsPerToken)
        )
    }

    /// Experts of each tier that are in memory at once.
    ///
    /// - Parameter expertCount: those that it computes; nil for all of the model's.
    /// - Throws: where it is too small for them.
    public func slots(expertCount: Int? = nil) throws(MemoryPlanError) -> SlotCounts {
        var needs = needs
        // Caches are for whatever it is told to compute later on.
        if isResident, let expertCount {
            needs.expertCount = max(1, min(expertCount, needs.expertCount))
        }
        return try LossyPlan(
            budget: byteCount,
            options.mode,
            lowShare: options.lowShare,
            needs
        ).slots
    }

    /// Whether the low tier of every expert that is computed stays in memory.
    public var isResident: Bool { options.mode == .resident }

    /// Slots of the high tier, were nothing to take memory but that.
    var mostHigh: Int { most(needs.highSlot) }

    /// The same of the low tier: how many experts may be there at once while they are rounded.
    package var mostLow: Int { most(needs.lowSlot) }

    private func most(_ slot: Int) -> Int {
        min(max(0, byteCount - needs.fixed) / max(1, slot), needs.expertCount)
    }
}
