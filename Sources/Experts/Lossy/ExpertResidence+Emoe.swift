import Model

extension ExpertResidence {
    /// A runner that keeps to the budget by computing only experts that are in memory.
    ///
    /// - Parameters:
    ///   - needs: what the process needs to load on demand.
    ///   - progress: told the share of the packing that is done.
    /// - Throws: `MemoryPlanError`, `ExpertUsesError`, and what reading the model throws.
    func runner(
        _ emoe: EmoeOptions,
        _ needs: MemoryPlan.Needs,
        budget: Int,
        _ progress: (Double) -> Void,
        _ onTrouble: @escaping (Trouble) -> Void
    ) throws -> EmoeRunner {
        let description = model.description
        for task in emoe.tasks { try task.check(expertCounts: description.expertCounts) }
        var needs = needs
        // A row's experts of every layer.
        let layerCount = description.expertCounts.count { $0 > 0 }
        needs.leastSlots = max(needs.leastSlots, layerCount * description.expertsPerToken)
        guard let slotCount = try MemoryPlan(budget: budget, needs).slotCount else {
            preconditionFailure("experts that fit are not left out")
        }
        // Nothing is read ahead: it would take slots of those that are to stay.
        let experts = SlottedExperts(
            try stored(nil, slotCount, progress, onTrouble),
            options: ResidencyOptions(policy: options.policy, foresight: 0),
            kernels: kernels,
            onTrouble: { onTrouble(.fallback($0)) }
        )
        let runner = EmoeRunner(experts, description, emoe)
        if !emoe.tasks.isEmpty { try runner.choose() }
        return runner
    }
}
