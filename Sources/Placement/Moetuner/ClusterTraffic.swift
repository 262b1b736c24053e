/// Rows that go from clusters of one layer to clusters of the next, and what links cost.
struct ClusterTraffic {
    let workerCount: Int
    /// Rows from a cluster to one of the next layer; `[layer][from * clusters + to]`.
    let rows: [[Double]]
    /// Seconds of a row between workers, 0 within one; `[from * workers + to]`.
    let prices: [Double]
    private let hosts: [String]

    /// - Parameters:
    ///   - clusters: of each expert; `[layer][expert]`, for layers with experts.
    ///   - layers: their profiles, each one's transitions leading to the next one here.
    init(
        clusters: [[Int]],
        layers: [Profile.Layer],
        problem: PlacementProblem,
        betweenHosts: Double?
    ) {
        let count = problem.workers.count
        workerCount = count
        hosts = problem.workers.map(\.host)
        rows = layers.indices.dropLast().map { layer in
            var rows = Array(repeating: 0.0, count: count * count)
            for pair in layers[layer].transitions {
                let slot = clusters[layer][pair.first] * count + clusters[layer + 1][pair.second]
                rows[slot] += pair.count
            }
            return rows
        }
        var prices = Array(repeating: 0.0, count: count * count)
        for (from, one) in problem.workers.enumerated() {
            for (to, other) in problem.workers.enumerated() where from != to {
                var bandwidth = min(one.bandwidth, other.bandwidth)
                if one.host != other.host, let betweenHosts {
                    bandwidth = min(bandwidth, betweenHosts)
                }
                prices[from * count + to] = Double(problem.costs.rowByteCount) / bandwidth
            }
        }
        self.prices = prices
    }

    /// Seconds of the busiest link between two layers; `[worker]` holds its cluster.
    func seconds(_ layer: Int, from: [Int], to: [Int]) -> Double {
        var most = 0.0
        let rows = rows[layer]
        for (sender, cluster) in from.enumerated() {
            for (receiver, next) in to.enumerated() {
                let price = prices[sender * workerCount + receiver]
                most = max(most, rows[cluster * workerCount + next] * price)
            }
        }
        return most
    }

    /// No assignment is faster between these layers, whatever the others do.
    ///
    /// Traffic within a worker is free, so a set of clusters that pairs off, one of each layer, can
    /// be hidden. The heaviest that cannot be hidden with all heavier ones takes some link.
    func lowerBound(_ layer: Int) -> Double {
        let least = prices.filter { $0 > 0 }.min() ?? 0
        let order = rows[layer].indices.sorted { (rows[layer][$1], $0) < (rows[layer][$0], $1) }
        var senders = Set<Int>()
        var receivers = Set<Int>()
        var bound = 0.0
        for slot in order {
            let (from, to) = slot.quotientAndRemainder(dividingBy: workerCount)
            let isHidden = !senders.contains(from) && !receivers.contains(to)
            guard isHidden else {
                bound = rows[layer][slot] * least
                break
            }
            senders.insert(from)
            receivers.insert(to)
        }
        return max(bound, hostBound(layer))
    }

    /// Two hosts: some split of the clusters over them carries what crosses over the slow link.
    private func hostBound(_ layer: Int) -> Double {
        let first = hosts.indices.filter { hosts[$0] == hosts[0] }
        let second = hosts.indices.filter { hosts[$0] != hosts[0] }
        guard Set(hosts).count == 2, workerCount <= 8 else { return 0 }
        let slow =
            first.flatMap { one in
                second.map { min(prices[one * workerCount + $0], prices[$0 * workerCount + one]) }
            }.min() ?? 0
        let splits = (0..<1 << workerCount).filter { $0.nonzeroBitCount == first.count }
        var least = Double.infinity
        for sending in splits {
            for receiving in splits {
                var most = 0.0
                for slot in rows[layer].indices {
                    let (from, to) = slot.quotientAndRemainder(dividingBy: workerCount)
                    let crosses = (sending >> from ^ receiving >> to) & 1 == 1
                    if crosses { most = max(most, rows[layer][slot]) }
                }
                least = min(least, most)
            }
        }
        return least * slow
    }
}
