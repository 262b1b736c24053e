package import Experts
package import Model
package import Placement

/// The experts that a worker holds, each whole or a shard of it, and which plans mean them.
///
/// While the plan changes, an expert may be held in two parts: shares of plans before the change
/// mean the one, those of plans after it the other. Summed with shards of the wrong plan, a result
/// would be wrong too.
package struct HeldParts: Sendable {
    /// What plans from now on mean.
    package private(set) var experts: HeldExperts
    /// Of those, the shards; all others are whole.
    private var shards: [ExpertID: Shard] = [:]
    /// Of experts in two parts, what earlier plans mean.
    private var earlier: [ExpertID: Part] = [:]
    /// Which of two parts is the later one, and from which plan on it is meant.
    private var later: [ExpertID: (part: ExpertSlice, since: Epoch)] = [:]

    private struct Shard {
        let dimensions: Range<Int>
        /// The first plan that means it, where earlier ones are known to have meant another part.
        let since: Epoch
    }

    private struct Part {
        let slice: ExpertSlice
        let expert: HeldExpert
    }

    /// None held yet of a model with `expertCounts` experts per layer.
    package init(expertCounts: [Int]) {
        experts = HeldExperts(expertCounts: expertCounts)
    }

    package var count: Int { experts.count + earlier.count }

    package var byteCount: Int {
        earlier.values.reduce(experts.byteCount) { $0 + $1.expert.byteCount }
    }

    /// Bytes of what is held of experts in part.
    package var shardByteCount: Int {
        let present = shards.keys.reduce(0) { $0 + (experts.expert($1)?.byteCount ?? 0) }
        return earlier.values.reduce(present) {
            $0 + ($1.slice.dimensions == nil ? 0 : $1.expert.byteCount)
        }
    }

    /// Everything held, by expert.
    package var slices: [ExpertSlice] {
        (experts.all.map(slice) + earlier.values.map(\.slice)).sorted()
    }

    // MARK: Changes

    /// From a plan on, shares mean `parts` where experts are held in two.
    package mutating func arrange(later parts: [ExpertSlice], from epoch: Epoch) {
        later = Dictionary(parts.map { ($0.expert, (part: $0, since: epoch)) }) { _, last in last }
        // One that was the later part before may be the earlier one now.
        for (expert, other) in earlier where later[expert]?.part == other.slice {
            let present = part(of: expert)
            put(other)
            earlier[expert] = present
        }
    }

    package mutating func insert(_ weights: FeedForwardWeights, as slice: ExpertSlice) {
        insert(.weights(weights), as: slice)
    }

    package mutating func insert(_ expert: HeldExpert, as slice: ExpertSlice) {
        let part = Part(slice: slice, expert: expert)
        guard let present = self.part(of: slice.expert), present.slice != slice else {
            return put(part)
        }
        if later[slice.expert]?.part == present.slice {
            earlier[slice.expert] = part
        } else {
            earlier[slice.expert] = present
            put(part)
        }
    }

    package mutating func remove(_ slice: ExpertSlice) {
        let expert = slice.expert
        if earlier[expert]?.slice == slice {
            earlier[expert] = nil
        } else if part(of: expert)?.slice == slice {
            experts.remove(expert)
            shards[expert] = nil
            if let other = earlier.removeValue(forKey: expert) { put(other) }
        }
    }

    private mutating func put(_ part: Part) {
        let expert = part.slice.expert
        experts.insert(part.expert, as: expert)
        let since = later[expert].flatMap { $0.part == part.slice ? $0.since : nil }
        shards[expert] = part.slice.dimensions.map {
            Shard(dimensions: $0, since: since ?? Epoch(rawValue: 0))
        }
    }

    private func slice(_ expert: ExpertID) -> ExpertSlice {
        ExpertSlice(expert, dimensions: shards[expert]?.dimensions)
    }

    private func part(of expert: ExpertID) -> Part? {
        experts.expert(expert).map { Part(slice: slice(expert), expert: $0) }
    }

    // MARK: Shares

    /// What a share of `epoch` means by these experts, or nil where that is not held.
    package func meant(
        by indices: some Sequence<UInt32>,
        of layer: LayerIndex,
        in epoch: Epoch
    ) -> HeldExperts? {
        guard !shards.isEmpty || !earlier.isEmpty || !later.isEmpty else { return experts }
        var meant = experts
        for index in indices {
            let expert = ExpertID(layer: layer, index: Int(index))
            if let later = later[expert], epoch < later.since, later.part == slice(expert) {
                guard let other = earlier[expert] else { return nil }
                meant.insert(other.expert, as: expert)
            } else if let shard = shards[expert], shard.since > epoch {
                return nil
            }
        }
        return meant
    }
}
