import Model

/// Evens out clusters by exchanging experts between two of them at a time.
struct ClusterExchange {
    private let balancer: ClusterBalancer
    private var members: [[Int]]
    private var loads: [Int]
    private var generator: SeededRandom
    /// Which cluster each expert is in, at best; `[expert]`.
    private(set) var best: [Int]
    private(set) var bestDeviation: Double

    init(_ balancer: ClusterBalancer, start: [Int], seed: UInt64) {
        self.balancer = balancer
        generator = SeededRandom(seed: seed)
        members = Array(repeating: [], count: balancer.clusterCount)
        loads = Array(repeating: 0, count: balancer.clusterCount)
        for (expert, cluster) in start.enumerated() {
            members[cluster].append(expert)
            loads[cluster] += balancer.rows[expert]
        }
        best = start
        bestDeviation = balancer.deviation(start)
    }

    /// Descends, and shakes some times where that does not reach `target`.
    mutating func run(target: Double) {
        for _ in 0..<Self.rounds {
            while evenOut() {}
            let clusters = clusters
            let deviation = balancer.deviation(clusters)
            if deviation < bestDeviation {
                best = clusters
                bestDeviation = deviation
            }
            if bestDeviation <= target + 1e-9 { return }
            shake()
        }
    }

    private static let rounds = 12

    private var clusters: [Int] {
        var clusters = best
        for (cluster, experts) in members.enumerated() {
            for expert in experts { clusters[expert] = cluster }
        }
        return clusters
    }

    /// One pass over all pairs of clusters; whether anything became more even.
    private mutating func evenOut() -> Bool {
        var improved = false
        for one in members.indices {
            for other in members.indices where loads[one] - loads[other] > 1 {
                if exchange(from: one, to: other) { improved = true }
            }
        }
        return improved
    }

    /// Experts of one cluster, and what they weigh together.
    private struct Bundle {
        let rows: Int
        let experts: [Int]
    }

    /// The exchange that brings two clusters closest together, if any does.
    private mutating func exchange(from hot: Int, to cold: Int) -> Bool {
        let difference = loads[hot] - loads[cold]
        var bestLeft = difference
        var choice: (out: Bundle, back: Bundle)?
        let out = bundles(of: members[hot])
        let back = bundles(of: members[cold])
        for taken in 0..<out.count {
            for given in 0..<back.count where allows(hot, cold, taken: taken, given: given) {
                guard let found = closest(out[taken], back[given], to: difference) else { continue }
                let left = abs(difference - 2 * (found.0.rows - found.1.rows))
                if left < bestLeft {
                    bestLeft = left
                    choice = found
                }
            }
            // One for one has usually done it; pairs are many.
            if bestLeft <= 1 { break }
        }
        guard let choice else { return false }
        transfer(choice.out, from: hot, to: cold)
        transfer(choice.back, from: cold, to: hot)
        return true
    }

    /// Bundles of none, one and two experts, each ascending by rows.
    private func bundles(of experts: [Int]) -> [[Bundle]] {
        let rows = balancer.rows
        let singles = experts.map { Bundle(rows: rows[$0], experts: [$0]) }
        var pairs: [Bundle] = []
        if experts.count <= Self.mostForPairs {
            for (place, one) in experts.enumerated() {
                for other in experts[(place + 1)...] {
                    pairs.append(Bundle(rows: rows[one] + rows[other], experts: [one, other]))
                }
            }
        }
        return [[Bundle(rows: 0, experts: [])], singles, pairs].map { bundles in
            bundles.sorted { ($0.rows, $0.experts.first ?? 0) < ($1.rows, $1.experts.first ?? 0) }
        }
    }

    /// Larger clusters have single exchanges enough.
    private static let mostForPairs = 48

    private func allows(_ hot: Int, _ cold: Int, taken: Int, given: Int) -> Bool {
        let sizes = balancer.sizes
        return taken + given > 0
            && sizes.contains(members[hot].count - taken + given)
            && sizes.contains(members[cold].count + taken - given)
    }

    /// Two bundles whose difference is closest to half of `difference`.
    private func closest(
        _ out: [Bundle],
        _ back: [Bundle],
        to difference: Int
    ) -> (Bundle, Bundle)? {
        var best: (Bundle, Bundle)?
        var least = Int.max
        var place = 0
        for bundle in out {
            // As `bundle` grows, so does what must come back.
            while place + 1 < back.count, 2 * (bundle.rows - back[place].rows) > difference {
                place += 1
            }
            for candidate in [place - 1, place] where back.indices.contains(candidate) {
                let left = abs(difference - 2 * (bundle.rows - back[candidate].rows))
                if left < least {
                    least = left
                    best = (bundle, back[candidate])
                }
            }
        }
        return best
    }

    private mutating func transfer(_ bundle: Bundle, from one: Int, to other: Int) {
        members[one].removeAll(where: bundle.experts.contains)
        members[other] += bundle.experts
        loads[one] -= bundle.rows
        loads[other] += bundle.rows
    }

    /// Exchanges experts of random clusters, one for one.
    private mutating func shake() {
        for _ in 0..<members.count * 2 {
            let one = generator.index(below: members.count)
            let other = generator.index(below: members.count)
            guard one != other, !members[one].isEmpty, !members[other].isEmpty else { continue }
            let taken = members[one][generator.index(below: members[one].count)]
            let given = members[other][generator.index(below: members[other].count)]
            transfer(Bundle(rows: balancer.rows[taken], experts: [taken]), from: one, to: other)
            transfer(Bundle(rows: balancer.rows[given], experts: [given]), from: other, to: one)
        }
    }
}
