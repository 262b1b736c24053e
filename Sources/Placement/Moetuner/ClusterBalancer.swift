/// MoETuner's first integer program for one layer: experts into clusters of equal rows.
///
/// Minimises the sum over clusters of |rows - mean|, every expert in exactly one cluster, which the
/// paper forgets to say. Few experts are settled exactly, by dynamic programming over sets; many
/// are packed greedily and then exchanged between pairs of clusters, one for one and two for two,
/// which reaches the bound wherever the rows are small next to the number of exchanges.
struct ClusterBalancer {
    /// Rows of each expert, whole; `[expert]`.
    let rows: [Int]
    let clusterCount: Int
    /// Most and least experts of a cluster.
    let sizes: ClosedRange<Int>

    struct Result {
        /// Which cluster each expert is in; `[expert]`.
        let clusters: [Int]
        let objective: Double
        let lowerBound: Double

        /// The better of this and other clusters, with the better of both bounds.
        func improved(by other: [Int], bound: Double, balancer: ClusterBalancer) -> Result {
            let deviation = balancer.deviation(other)
            let isBetter = deviation < objective
            let best = min(deviation, objective)
            return Result(
                clusters: isBetter ? other : clusters,
                objective: best,
                // A solver's bound is as exact as its arithmetic.
                lowerBound: min(best, max(lowerBound, bound - 1e-6 * abs(bound)))
            )
        }
    }

    /// - Parameter seed: of what is shaken where the first descent does not reach the bound.
    func solve(seed: UInt64) -> Result {
        if rows.count <= Self.exactExpertCount, let exact = ClusterEnumeration(self).solve() {
            let objective = deviation(exact)
            return Result(clusters: exact, objective: objective, lowerBound: objective)
        }
        let bound = lowerBound
        var exchange = ClusterExchange(self, start: packed(), seed: seed)
        exchange.run(target: bound)
        return Result(
            clusters: exchange.best,
            objective: exchange.bestDeviation,
            lowerBound: min(bound, exchange.bestDeviation)
        )
    }

    /// Sets of this many can all be looked at.
    private static let exactExpertCount = 11

    var mean: Double { Double(rows.reduce(0, +)) / Double(clusterCount) }

    func deviation(_ clusters: [Int]) -> Double {
        var loads = Array(repeating: 0, count: clusterCount)
        for (expert, cluster) in clusters.enumerated() { loads[cluster] += rows[expert] }
        return loads.reduce(0) { $0 + abs(Double($1) - mean) }
    }

    /// Hottest first, each into the cluster with the fewest rows that has room.
    private func packed() -> [Int] {
        var clusters = Array(repeating: 0, count: rows.count)
        var loads = Array(repeating: 0, count: clusterCount)
        var counts = Array(repeating: 0, count: clusterCount)
        let order = rows.indices.sorted { (rows[$1], $0) < (rows[$0], $1) }
        for (place, expert) in order.enumerated() {
            // The last ones fill clusters that would be too small.
            let missing = counts.reduce(0) { $0 + max(0, sizes.lowerBound - $1) }
            let mustFill = rows.count - place <= missing
            let open = loads.indices.filter {
                counts[$0] < (mustFill ? sizes.lowerBound : sizes.upperBound)
            }
            let cluster = open.min { (loads[$0], $0) < (loads[$1], $1) } ?? 0
            clusters[expert] = cluster
            loads[cluster] += rows[expert]
            counts[cluster] += 1
        }
        return clusters
    }

    /// Clusters with the hottest experts are too hot, and sums of whole rows seldom divide evenly.
    ///
    /// What is too much somewhere is missing elsewhere, so the objective is twice what is too much.
    /// The `h` hottest experts lie in some `n` clusters; these have at least those experts and, to
    /// fill them, the coldest of the others.
    var lowerBound: Double {
        let total = rows.reduce(0, +)
        let rest = Double(total % clusterCount)
        let parity = 2 * rest * (Double(clusterCount) - rest) / Double(clusterCount)
        let hottest = rows.sorted(by: >)
        let coldest = [0] + rows.sorted().reduce(into: [Int]()) { $0.append(($0.last ?? 0) + $1) }
        var excess = 0.0
        var heat = 0
        for (index, rows) in hottest.prefix(clusterCount).enumerated() {
            heat += rows
            let count = index + 1
            let fewest = (count + sizes.upperBound - 1) / sizes.upperBound
            let least = (fewest...count).map { clusters in
                let others = max(0, clusters * sizes.lowerBound - count)
                let filling = coldest[min(others, self.rows.count - count)]
                return Double(heat + filling) - Double(clusters) * mean
            }
            excess = max(excess, least.min() ?? 0)
        }
        return max(parity, 2 * excess)
    }
}

/// Finds the best clusters of few experts by looking at every set of them.
private struct ClusterEnumeration {
    private let balancer: ClusterBalancer
    /// Rows of every set of experts.
    private let sums: [Int]

    init(_ balancer: ClusterBalancer) {
        self.balancer = balancer
        var sums = Array(repeating: 0, count: 1 << balancer.rows.count)
        for set in 1..<max(1, sums.count) {
            let low = set.trailingZeroBitCount
            sums[set] = sums[set & (set - 1)] + balancer.rows[low]
        }
        self.sums = sums
    }

    /// Nil where no clusters of allowed sizes exist.
    func solve() -> [Int]? {
        let all = sums.count - 1
        // What the first clusters cost at least for each set that they make up.
        var costs = Array(repeating: Double.infinity, count: sums.count)
        costs[0] = 0
        var choices: [[Int]] = []
        for _ in 0..<balancer.clusterCount {
            var next = Array(repeating: Double.infinity, count: sums.count)
            var choice = Array(repeating: 0, count: sums.count)
            for set in 0...all where costs[set] < .infinity {
                extend(set, within: all, cost: costs[set], &next, &choice)
            }
            costs = next
            choices.append(choice)
        }
        guard costs[all] < .infinity else { return nil }
        var clusters = Array(repeating: 0, count: balancer.rows.count)
        var set = all
        for (cluster, choice) in choices.enumerated().reversed() {
            for expert in clusters.indices where choice[set] >> expert & 1 == 1 {
                clusters[expert] = cluster
            }
            set &= ~choice[set]
        }
        return clusters
    }

    /// Every next cluster has the lowest expert that is left, so that each split comes once; empty
    /// ones come last.
    private func extend(
        _ set: Int,
        within all: Int,
        cost: Double,
        _ next: inout [Double],
        _ choice: inout [Int]
    ) {
        let left = all & ~set
        let mean = balancer.mean
        guard left != 0 else {
            if balancer.sizes.lowerBound == 0, cost + mean < next[all] {
                next[all] = cost + mean
                choice[all] = 0
            }
            return
        }
        let first = left & -left
        let others = left & ~first
        var part = others
        while true {
            let cluster = part | first
            if balancer.sizes.contains(cluster.nonzeroBitCount) {
                let sum = cost + abs(Double(sums[cluster]) - mean)
                if sum < next[set | cluster] {
                    next[set | cluster] = sum
                    choice[set | cluster] = cluster
                }
            }
            if part == 0 { return }
            part = (part - 1) & others
        }
    }
}
