public import Model

extension Plan {
    /// The plan in which others have what only workers hold who are gone.
    ///
    /// A new copy of a whole expert goes to the worker that holds the fewest experts of the layer
    /// then, the lower index first. Those who are gone keep their place beside it: when one is
    /// back, it has a copy. Shards have no copies, so those who are gone give theirs up: to such a
    /// worker that has no part of the expert, else to a neighbour whose shard grows.
    ///
    /// - Parameters:
    ///   - isThere: whether a worker holds its experts, or soon will.
    ///   - free: `[worker]`, bytes that it may still take; 0 for one that is to take nothing.
    /// - Returns: the plan, under the same epoch, and the experts that fit nowhere, by layer, then
    ///   index.
    public func covered(
        where isThere: (Int) -> Bool,
        free: [Int],
        sizes: ExpertSizes
    ) -> (plan: Plan, homeless: [ExpertID]) {
        precondition(free.count == workers.count, "room of \(free.count) workers")
        var places = NewPlaces(free: free, sizes: sizes)
        var homeless: [ExpertID] = []
        let layers = layers.enumerated().map { layer, entries in
            places.begin(entries)
            return entries.enumerated().map { index, entry in
                guard !entry.isCovered(where: isThere) else { return entry }
                let expert = ExpertID(layer: LayerIndex(layer), index: index)
                let covered = entry.covered(where: isThere, of: expert, &places)
                if covered == nil { homeless.append(expert) }
                return covered ?? entry
            }
        }
        return (Plan(epoch: epoch, workers: workers, layers: layers), homeless)
    }

    /// Whether workers that hold what this plan gives them hold what another gives them, too.
    public func includes(_ other: Plan) -> Bool {
        other.workers.indices.allSatisfy { worker in
            let mine = index(of: other.workers[worker]).map { Set(slices(of: $0)) } ?? []
            return mine.isSuperset(of: other.slices(of: worker))
        }
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

    fileprivate func covered(
        where isThere: (Int) -> Bool,
        of expert: ExpertID,
        _ places: inout NewPlaces
    ) -> ExpertEntry? {
        switch self {
        case .worker, .replicas:
            places.place(expert, except: workers).map { .replicas((workers + [$0]).sorted()) }
        case .shards(let shards):
            places.shards(shards, of: expert) { !isThere($0) }
        }
    }
}
