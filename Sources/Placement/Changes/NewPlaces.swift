import Model

/// Finds new places, among the workers with room, for what others held.
struct NewPlaces {
    let sizes: ExpertSizes
    /// `[worker]`, bytes that it may still take; 0 for none.
    private(set) var free: [Int]
    /// `[worker]`, experts of the present layer that it holds.
    private var counts: [Int] = []

    init(free: [Int], sizes: ExpertSizes) {
        self.free = free
        self.sizes = sizes
    }

    /// A layer's turn has come.
    mutating func begin(_ entries: [ExpertEntry]) {
        counts = free.indices.map { worker in entries.count { $0.isHeld(by: worker) } }
    }

    /// The worker that takes an expert: of those with room, the one that holds the fewest of the
    /// layer, the lower index first.
    mutating func place(_ expert: ExpertID, except others: [Int]) -> Int? {
        place(ExpertPart(expert, from: 0, to: sizes.width), except: others)
    }

    /// An expert's shards without those of `leaving`.
    ///
    /// Such a shard goes as it is to a worker without a part of the expert; where there is none, a
    /// neighbour's grows by it, for a worker has one shard of an expert at most.
    ///
    /// - Returns: nil where some shard fits nowhere; what was taken for others stays taken.
    mutating func shards(
        _ shards: [Shard],
        of expert: ExpertID,
        without leaving: (Int) -> Bool
    ) -> ExpertEntry? {
        var shards = shards.sorted { $0.from < $1.from }
        for (index, shard) in shards.enumerated() where leaving(shard.worker) {
            let part = ExpertPart(expert, from: shard.from, to: shard.to)
            guard let place = place(part, except: shards.map(\.worker)) else { continue }
            shards[index] = Shard(worker: place, from: shard.from, to: shard.to)
        }
        shards = Self.joined(shards, where: leaving)
        while let index = shards.firstIndex(where: { leaving($0.worker) }) {
            guard grow(beside: index, of: expert, &shards) else { return nil }
        }
        return shards.count == 1 ? .worker(shards[0].worker) : .shards(shards)
    }

    /// Shards beside each other that all leave become one, for a neighbour to take over at once.
    private static func joined(_ shards: [Shard], where leaving: (Int) -> Bool) -> [Shard] {
        shards.reduce(into: []) { joined, shard in
            guard let last = joined.last, leaving(last.worker), leaving(shard.worker) else {
                return joined.append(shard)
            }
            joined[joined.count - 1] = Shard(worker: last.worker, from: last.from, to: shard.to)
        }
    }

    private mutating func place(_ part: ExpertPart, except others: [Int]) -> Int? {
        let byteCount = sizes.byteCount(of: part)
        let places = free.indices.filter {
            free[$0] > 0 && free[$0] >= byteCount && !others.contains($0)
        }
        guard let place = places.min(by: { (counts[$0], $0) < (counts[$1], $1) }) else {
            return nil
        }
        counts[place] += 1
        free[place] -= byteCount
        return place
    }

    /// Lets a neighbour take over a shard.
    ///
    /// While steps still use the smaller shard both are held, so the larger needs its full room.
    private mutating func grow(
        beside index: Int,
        of expert: ExpertID,
        _ shards: inout [Shard]
    ) -> Bool {
        let shard = shards[index]
        for neighbour in [index - 1, index + 1] where shards.indices.contains(neighbour) {
            let other = shards[neighbour]
            let (from, to) = (min(shard.from, other.from), max(shard.to, other.to))
            let byteCount = sizes.byteCount(of: ExpertPart(expert, from: from, to: to))
            guard free[other.worker] > 0, free[other.worker] >= byteCount else { continue }
            free[other.worker] -= byteCount
            shards[neighbour] = Shard(worker: other.worker, from: from, to: to)
            shards.remove(at: index)
            return true
        }
        return false
    }
}
