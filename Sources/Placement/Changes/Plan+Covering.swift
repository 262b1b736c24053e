public import Model

extension Plan {
    /// The plan with one more copy of each expert whose workers are gone.
    ///
    /// A new copy goes to the worker that holds the fewest experts of the layer then, the lower
    /// index first. Those who are gone stay in the plan: when one is back, it has copies. Slices
    /// have no copies, so an expert in shards stays as it is.
    ///
    /// - Parameters:
    ///   - isThere: whether a worker holds its experts, or soon will.
    ///   - free: `[worker]`, bytes that it may still take; 0 for one that is to take nothing.
    ///   - expertByteCounts: `[layer]`, of one expert.
    /// - Returns: the plan, under the same epoch, and the experts that fit nowhere, by layer, then
    ///   index.
    public func covered(
        where isThere: (Int) -> Bool,
        free: [Int],
        expertByteCounts: [Int]
    ) -> (plan: Plan, homeless: [ExpertID]) {
        precondition(free.count == workers.count, "room of \(free.count) workers")
        var free = free
        var homeless: [ExpertID] = []
        let layers = layers.enumerated().map { layer, entries in
            var counts = workers.indices.map { worker in
                entries.count { $0.isHeld(by: worker) }
            }
            return entries.enumerated().map { index, entry in
                guard !entry.isCovered(where: isThere) else { return entry }
                let byteCount = expertByteCounts[layer]
                let places = workers.indices.filter { worker in
                    free[worker] > 0 && free[worker] >= byteCount && !entry.isHeld(by: worker)
                }
                guard entry.isWhole, let place = places.min(by: { counts[$0] < counts[$1] }) else {
                    homeless.append(ExpertID(layer: LayerIndex(layer), index: index))
                    return entry
                }
                free[place] -= byteCount
                counts[place] += 1
                return .replicas((entry.workers + [place]).sorted())
            }
        }
        return (Plan(epoch: epoch, workers: workers, layers: layers), homeless)
    }
}

extension ExpertEntry {
    /// Whether it can be computed by workers that are there.
    func isCovered(where isThere: (Int) -> Bool) -> Bool {
        switch self {
        case .worker(let owner): isThere(owner)
        case .replicas(let workers): workers.contains(where: isThere)
        case .shards(let shards): shards.allSatisfy { isThere($0.worker) }
        }
    }

    fileprivate var isWhole: Bool {
        if case .shards = self { false } else { true }
    }
}
