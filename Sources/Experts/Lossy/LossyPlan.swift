import Caching

/// How a memory budget is split between two tiers of experts.
struct LossyPlan: Equatable, Sendable {
    let slots: SlotCounts

    /// What a process needs, in bytes.
    struct Needs: Equatable {
        /// Everything but experts.
        var fixed: Int
        var highSlot: Int
        /// 0 where there is no low tier.
        var lowSlot: Int
        var expertCount: Int
        /// Slots of each tier without which hobbit does not work.
        var leastSlots: Int
    }

    /// - Parameter budget: bytes of memory that the process may have.
    init(
        budget: Int,
        _ mode: LossyMode,
        lowShare: Double,
        _ needs: Needs
    ) throws(MemoryPlanError) {
        let allLow = needs.expertCount * needs.lowSlot
        let least =
            switch mode {
            case .hobbit:
                min(needs.leastSlots, needs.expertCount) * (needs.highSlot + needs.lowSlot)
            case .resident: allLow
            }
        guard budget >= needs.fixed + least else {
            throw .tooSmall(budget: budget, least: needs.fixed + least)
        }
        let room = budget - needs.fixed
        switch mode {
        case .hobbit where needs.lowSlot == 0:
            slots = SlotCounts(high: min(room / needs.highSlot, needs.expertCount))
        case .hobbit:
            let wanted = Int(Double(room) * lowShare) / needs.lowSlot
            let leastSlots = min(needs.leastSlots, needs.expertCount)
            let most = (room - leastSlots * needs.highSlot) / needs.lowSlot
            let low = min(max(leastSlots, min(wanted, most)), needs.expertCount)
            let high = (room - low * needs.lowSlot) / needs.highSlot
            slots = SlotCounts(high: min(high, needs.expertCount), low: low)
        case .resident:
            let high = (room - allLow) / needs.highSlot
            slots = SlotCounts(high: min(high, needs.expertCount), low: needs.expertCount)
        }
    }
}
