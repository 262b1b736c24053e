import Caching
import ExpertStore
import Kernels
public import Model
import Tensors

extension ExpertResidence {
    /// A runner that keeps to the budget by holding some experts in fewer bits.
    ///
    /// - Parameter progress: told the share of the packing that is done, of one tier, then of the
    ///   other.
    /// - Throws: `MemoryPlanError`, and what reading the model throws.
    func runner(
        _ lossy: TierOptions,
        budget: Int,
        fixed: Int,
        progress: (Double) -> Void,
        onTrouble: @escaping (Trouble) -> Void
    ) throws -> any LossyRunner {
        let tiers = try TierBudget(budget, of: model, lossy, fixed: fixed)
        let slots = try tiers.slots()
        let note: (StoreError) -> Void = { onTrouble(.fallback($0)) }
        // Both before threads compute: making them takes all cores.
        let lowExperts = try lowered(tiers, slots.low, progress, onTrouble)
        let highExperts =
            try slots.high > 0 ? stored(nil, slots.high, progress, onTrouble) : nil
        switch lossy.mode {
        case .hobbit(let thresholds):
            guard let highExperts else { preconditionFailure("a plan without a high tier") }
            let experts = HobbitExperts(
                high: slotted(highExperts, note),
                low: lowExperts.map { slotted($0, note) },
                isLowered: lowExperts?.isLowered ?? [],
                kernels: kernels
            )
            return HobbitRunner(experts, thresholds: thresholds)
        case .resident:
            guard let lowExperts else { preconditionFailure("a plan without a low tier") }
            let hot = highExperts.map {
                HotExperts($0, cpus: CurrentThread.cpus, onTrouble: note)
            }
            let experts = TieredExperts(hot: hot, kernels: kernels)
            let low = try lowExperts.all(onTrouble: note)
            experts.want([], of: low)
            experts.fill()
            return TieredRunner(experts, low: low)
        }
    }

    /// The low tier; nil where there is none.
    private func lowered(
        _ budget: TierBudget,
        _ slotCount: Int,
        _ progress: (Double) -> Void,
        _ onTrouble: (Trouble) -> Void
    ) throws(ModelError) -> StoredExperts? {
        guard let tier = budget.options.tier else { return nil }
        var importance: ColumnImportance?
        if let path = budget.options.importancePath {
            importance = try ColumnImportance(path: path, for: model.layout)
        }
        for note in Trouble.notes(on: tier, of: model.layout) { onTrouble(note) }
        return try stored(
            tier,
            slotCount,
            progress,
            onTrouble,
            mostAtOnce: budget.mostLow,
            importance: importance
        )
    }

    private func slotted(
        _ stored: StoredExperts,
        _ onTrouble: @escaping (StoreError) -> Void
    ) -> SlottedExperts {
        SlottedExperts(stored, options: options, kernels: kernels, onTrouble: onTrouble)
    }

    /// - Parameter tier: nil for experts as they are in the file.
    func stored(
        _ tier: LowTier?,
        _ slotCount: Int,
        _ progress: (Double) -> Void,
        _ onTrouble: (Trouble) -> Void,
        mostAtOnce: Int? = nil,
        importance: ColumnImportance? = nil
    ) throws(ModelError) -> StoredExperts {
        try StoredExperts(
            model,
            tier: tier,
            importance: importance,
            cache: cache,
            slotCount: slotCount,
            mostAtOnce: mostAtOnce,
            onMaking: { onTrouble(.packing(byteCount: $0, path: $1)) },
            progress: progress,
            onCached: { onTrouble(.cached(path: $0)) },
            onTrouble: { onTrouble(.noStore($0)) }
        )
    }
}

extension ExpertResidence.Trouble {
    /// Where a low tier is not what its name says.
    public static func notes(on tier: LowTier, of layout: ExpertLayout) -> [Self] {
        let kept = zip(layout.layers, layout.areLowered(to: tier)).count { $0 != nil && !$1 }
        let short = layout.shortRowCount(in: tier)
        return (kept > 0 ? [.notLarger(tier, layerCount: kept)] : [])
            + (short > 0 ? [.shortRows(tier, layerCount: short)] : [])
    }
}

extension StoredExperts {
    /// Reads all experts of a low tier into the slots.
    ///
    /// - Precondition: there is a slot for each.
    /// - Throws: `differs`, where an expert comes from nowhere.
    func all(onTrouble: (StoreError) -> Void) throws(ModelError) -> HeldExperts {
        var held = HeldExperts(expertCounts: expertCounts)
        var left = layout.experts[...]
        let reads = ReadPool(memory: memory, sources: sources, capacity: min(8, slotCount))
        var slot = 0
        while true {
            while reads.count < reads.capacity, let id = left.popFirst() {
                reads.post(id, slot: slot)
                slot += 1
            }
            guard reads.count > 0 else { return held }
            let end = reads.wait()
            if let trouble = end.trouble {
                note(trouble)
                onTrouble(trouble)
            }
            guard end.source != nil,
                let weights = layout.weights(of: end.expert, in: memory[end.slot])
            else {
                let reason = end.trouble.map { "\($0)" } ?? "reading was given up"
                throw .differs("\(end.expert) cannot be read: \(reason)")
            }
            held.insert(self.held(weights, as: end.expert), as: end.expert)
        }
    }
}
