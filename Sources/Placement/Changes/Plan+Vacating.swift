public import Model

extension Plan {
    /// The plan in which a worker holds nothing: what it alone held goes to others.
    ///
    /// An expert goes to the worker that holds the fewest of its layer then and has room, the lower
    /// index first; a shard to such a worker that has no part of the expert, else to a neighbour
    /// whose shard grows. Copies that others have too just go.
    ///
    /// - Parameter free: `[worker]`, bytes that it may still take; 0 for none.
    /// - Returns: the plan, under the same epoch, and what fits nowhere, by layer, then index.
    public func vacated(
        _ worker: Int,
        free: [Int],
        sizes: ExpertSizes
    ) -> (plan: Plan, homeless: [ExpertID]) {
        precondition(free.count == workers.count, "room of \(free.count) workers")
        var places = NewPlaces(
            free: free.indices.map { $0 == worker ? 0 : free[$0] },
            sizes: sizes
        )
        var homeless: [ExpertID] = []
        let layers = layers.enumerated().map { layer, entries in
            places.begin(entries)
            return entries.enumerated().map { index, entry in
                guard entry.isHeld(by: worker) else { return entry }
                let expert = ExpertID(layer: LayerIndex(layer), index: index)
                let moved = entry.vacated(worker, of: expert, &places)
                if moved == nil { homeless.append(expert) }
                return moved ?? entry
            }
        }
        return (Plan(epoch: epoch, workers: workers, layers: layers), homeless)
    }
}

extension ExpertEntry {
    /// The entry without a worker; nil where nobody has room for what it alone held.
    fileprivate func vacated(
        _ worker: Int,
        of expert: ExpertID,
        _ places: inout NewPlaces
    ) -> ExpertEntry? {
        switch self {
        case .worker: return places.place(expert, except: [worker]).map { .worker($0) }
        case .replicas(let copies):
            let rest = copies.filter { $0 != worker }
            if rest.count > 1 { return .replicas(rest) }
            return (rest.first ?? places.place(expert, except: [worker])).map { .worker($0) }
        case .shards(let shards):
            return places.shards(shards, of: expert) { $0 == worker }
        }
    }
}
