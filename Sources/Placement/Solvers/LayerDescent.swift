import Model

/// Improves one layer until no exchange of two experts and no move helps, shakes it, and tries
/// again while work is left; keeps the best.
struct LayerDescent {
    private var search: LayerSearch
    private let expertBytes: Int
    /// Bytes left on each worker; `[worker]`.
    private(set) var free: [Int]
    /// Seconds that nothing can beat.
    private let floor: Double
    private var generator: SeededRandom
    private var workLimit = 0
    /// Owners and free bytes of the best found so far.
    private var best: (owners: [Int], free: [Int], total: Double)

    var owners: [Int] { search.owners }
    var work: Int { search.work }

    init(_ search: LayerSearch, expertBytes: Int, free: [Int], floor: Double, seed: UInt64) {
        self.search = search
        self.expertBytes = expertBytes
        self.free = free
        self.floor = floor
        generator = SeededRandom(seed: seed)
        best = (search.owners, free, search.total)
    }

    mutating func run(work: Int) {
        workLimit = work
        guard free.count > 1, search.expertCount > 1 else { return }
        var failures = 0
        while failures < Self.shakes {
            descend()
            if search.total < best.total - tolerance {
                best = (search.owners, free, search.total)
                failures = 0
            } else {
                failures += 1
            }
            if search.work >= workLimit || search.mean <= floor * (1 + 1e-9) { break }
            returnToBest()
            shake()
        }
        returnToBest()
    }

    /// How often a layer is shaken in vain before it is left alone.
    private static let shakes = 24

    /// Less is rounding.
    private var tolerance: Double { 1e-9 * max(best.total, 1e-9) }

    private mutating func descend() {
        var improved = true
        while improved, search.work < workLimit {
            improved = false
            let order = (0..<search.expertCount).shuffled(using: &generator)
            for (place, expert) in order.enumerated() {
                if moveIfBetter(expert) { improved = true }
                for other in order[(place + 1)...] where swapIfBetter(expert, other) {
                    improved = true
                }
                if search.work >= workLimit { return }
            }
        }
    }

    private mutating func moveIfBetter(_ expert: Int) -> Bool {
        var improved = false
        for worker in free.indices where free[worker] >= expertBytes {
            let old = search.owners[expert]
            guard worker != old else { continue }
            guard search.move(expert, to: worker) >= -tolerance else {
                free[worker] -= expertBytes
                free[old] += expertBytes
                improved = true
                continue
            }
            search.move(expert, to: old)
        }
        return improved
    }

    private mutating func swapIfBetter(_ one: Int, _ other: Int) -> Bool {
        let first = search.owners[one]
        let second = search.owners[other]
        guard first != second else { return false }
        let change = search.move(one, to: second) + search.move(other, to: first)
        if change < -tolerance { return true }
        search.move(one, to: first)
        search.move(other, to: second)
        return false
    }

    /// Exchanges a few experts at random, better or not.
    private mutating func shake() {
        for _ in 0..<max(2, search.expertCount / 16) {
            let one = generator.index(below: search.expertCount)
            let other = generator.index(below: search.expertCount)
            let first = search.owners[one]
            let second = search.owners[other]
            search.move(one, to: second)
            search.move(other, to: first)
        }
    }

    private mutating func returnToBest() {
        for (expert, worker) in best.owners.enumerated() { search.move(expert, to: worker) }
        free = best.free
    }
}
