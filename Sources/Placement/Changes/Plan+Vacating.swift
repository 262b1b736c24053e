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
        var eviction = Eviction(worker: worker, sizes: sizes, free: free)
        let layers = layers.enumerated().map { layer, entries in
            eviction.begin(entries)
            return entries.enumerated().map { index, entry in
                eviction.entry(entry, of: ExpertID(layer: LayerIndex(layer), index: index))
            }
        }
        return (Plan(epoch: epoch, workers: workers, layers: layers), eviction.homeless)
    }
}

/// Finds new places for what one worker holds.
private struct Eviction {
    let worker: Int
    let sizes: ExpertSizes
    var free: [Int]
    /// `[worker]`, experts of the present layer that it holds.
    var counts: [Int] = []
    var homeless: [ExpertID] = []

    mutating func begin(_ entries: [ExpertEntry]) {
        counts = free.indices.map { worker in entries.count { $0.isHeld(by: worker) } }
    }

    mutating func entry(_ entry: ExpertEntry, of expert: ExpertID) -> ExpertEntry {
        guard entry.isHeld(by: worker) else { return entry }
        let moved: ExpertEntry? =
            switch entry {
            case .worker: place(expert, from: 0, to: sizes.width).map { .worker($0) }
            case .replicas(let copies): replicas(expert, copies.filter { $0 != worker })
            case .shards(let shards): self.shards(expert, shards)
            }
        if moved == nil { homeless.append(expert) }
        return moved ?? entry
    }

    private mutating func replicas(_ expert: ExpertID, _ rest: [Int]) -> ExpertEntry? {
        switch rest.count {
        case 0: place(expert, from: 0, to: sizes.width).map { .worker($0) }
        case 1: .worker(rest[0])
        default: .replicas(rest)
        }
    }

    private mutating func shards(_ expert: ExpertID, _ shards: [Shard]) -> ExpertEntry? {
        let sorted = shards.sorted { $0.from < $1.from }
        guard let index = sorted.firstIndex(where: { $0.worker == worker }) else { return nil }
        let shard = sorted[index]
        let others = sorted.map(\.worker)
        if let place = place(expert, from: shard.from, to: shard.to, except: others) {
            var moved = sorted
            moved[index] = Shard(worker: place, from: shard.from, to: shard.to)
            return .shards(moved)
        }
        for neighbour in [index - 1, index + 1] where sorted.indices.contains(neighbour) {
            let other = sorted[neighbour]
            let grown = Shard(
                worker: other.worker,
                from: min(shard.from, other.from),
                to: max(shard.to, other.to)
            )
            guard take(expert, grown.from, grown.to, other.worker) else { continue }
            var rest = sorted
            rest[neighbour] = grown
            rest.remove(at: index)
            return rest.count == 1 ? .worker(grown.worker) : .shards(rest)
        }
        return nil
    }

    /// A worker that takes a part of an expert, which is counted there.
    private mutating func place(
        _ expert: ExpertID,
        from: Int,
        to: Int,
        except others: [Int] = []
    ) -> Int? {
        let byteCount = sizes.byteCount(of: ExpertPart(expert, from: from, to: to))
        let places = free.indices.filter {
            $0 != worker && free[$0] > 0 && free[$0] >= byteCount && !others.contains($0)
        }
        guard let place = places.min(by: { (counts[$0], $0) < (counts[$1], $1) }) else {
            return nil
        }
        counts[place] += 1
        free[place] -= byteCount
        return place
    }

    private mutating func take(_ expert: ExpertID, _ from: Int, _ to: Int, _ place: Int) -> Bool {
        let byteCount = sizes.byteCount(of: ExpertPart(expert, from: from, to: to))
        guard free[place] > 0, free[place] >= byteCount else { return false }
        free[place] -= byteCount
        return true
    }
}
