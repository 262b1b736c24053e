/// MoETuner's second integer program: which worker gets which cluster, layer by layer.
///
/// Minimises the sum over layers of the busiest link's seconds, every worker within its memory. For
/// few workers the best path through all permutations is found exactly; for many, exchanges of two
/// clusters in one layer are tried until none helps.
struct ClusterAssigner {
    let traffic: ClusterTraffic
    /// Bytes of each cluster; `[layer][cluster]`.
    let bytes: [[Int]]
    let rooms: [Int]

    struct Result {
        /// Each worker's cluster; `[layer][worker]`.
        let clusters: [[Int]]
        let objective: Double
        let lowerBound: Double
    }

    /// Nil where clusters of these sizes do not fit the workers' memory.
    func solve() -> Result? {
        var bound = traffic.rows.indices.reduce(0) { $0 + traffic.lowerBound($1) }
        if rooms.count <= Self.exactWorkerCount {
            let path = bestPath()
            bound = max(bound, seconds(path))
            if overflow(used(path)) == 0 {
                let objective = seconds(path)
                return Result(clusters: path, objective: objective, lowerBound: objective)
            }
        }
        guard let start = fittingStart() else { return nil }
        let clusters = descend(start)
        return Result(clusters: clusters, objective: seconds(clusters), lowerBound: bound)
    }

    /// 5! states and their square for every layer.
    private static let exactWorkerCount = 5

    private func seconds(_ clusters: [[Int]]) -> Double {
        traffic.rows.indices.reduce(0) { sum, layer in
            sum + traffic.seconds(layer, from: clusters[layer], to: clusters[layer + 1])
        }
    }

    private func used(_ clusters: [[Int]]) -> [Int] {
        rooms.indices.map { worker in
            clusters.indices.reduce(0) { $0 + bytes[$1][clusters[$1][worker]] }
        }
    }

    private func overflow(_ used: [Int]) -> Int {
        zip(used, rooms).reduce(0) { $0 + max(0, $1.0 - $1.1) }
    }

    /// The fastest path through the permutations of all layers, memory aside (Viterbi).
    private func bestPath() -> [[Int]] {
        let states = Self.permutations(rooms.count)
        guard !bytes.isEmpty else { return [] }
        var costs = Array(repeating: 0.0, count: states.count)
        var origins: [[Int]] = []
        for layer in traffic.rows.indices {
            var next = Array(repeating: Double.infinity, count: states.count)
            var origin = Array(repeating: 0, count: states.count)
            for (to, arrival) in states.enumerated() {
                for (from, departure) in states.enumerated() where costs[from] < next[to] {
                    let cost = costs[from] + traffic.seconds(layer, from: departure, to: arrival)
                    if cost < next[to] {
                        next[to] = cost
                        origin[to] = from
                    }
                }
            }
            costs = next
            origins.append(origin)
        }
        var state = costs.indices.min { (costs[$0], $0) < (costs[$1], $1) } ?? 0
        var path = [states[state]]
        for origin in origins.reversed() {
            state = origin[state]
            path.append(states[state])
        }
        return path.reversed()
    }

    private static func permutations(_ count: Int) -> [[Int]] {
        guard count > 0 else { return [[]] }
        return permutations(count - 1).flatMap { shorter in
            (0...shorter.count).map { place in
                var longer = shorter
                longer.insert(count - 1, at: place)
                return longer
            }
        }
    }

    /// Any assignment within memory: the largest clusters to whoever has the most room left, then
    /// exchanges that shrink what is too much.
    private func fittingStart() -> [[Int]]? {
        var free = rooms
        var clusters = bytes.map { sizes in
            let order = sizes.indices.sorted { (sizes[$1], $0) < (sizes[$0], $1) }
            let workers = free.indices.sorted { (free[$1], $0) < (free[$0], $1) }
            var row = Array(repeating: 0, count: sizes.count)
            for (cluster, worker) in zip(order, workers) {
                row[worker] = cluster
                free[worker] -= sizes[cluster]
            }
            return row
        }
        var used = used(clusters)
        while overflow(used) > 0 {
            guard relieve(&clusters, &used) else { return nil }
        }
        return clusters
    }

    private func relieve(_ clusters: inout [[Int]], _ used: inout [Int]) -> Bool {
        let before = overflow(used)
        for full in rooms.indices where used[full] > rooms[full] {
            for other in rooms.indices where used[other] < rooms[other] {
                for layer in clusters.indices {
                    let change =
                        bytes[layer][clusters[layer][full]] - bytes[layer][clusters[layer][other]]
                    guard change > 0 else { continue }
                    used[full] -= change
                    used[other] += change
                    if overflow(used) < before {
                        clusters[layer].swapAt(full, other)
                        return true
                    }
                    used[full] += change
                    used[other] -= change
                }
            }
        }
        return false
    }

    private func descend(_ start: [[Int]]) -> [[Int]] {
        var clusters = start
        var used = used(start)
        var improved = true
        var passes = 0
        while improved, passes < Self.mostPasses {
            improved = false
            passes += 1
            for layer in clusters.indices {
                for one in rooms.indices {
                    for other in one + 1..<max(one + 1, rooms.count)
                    where exchange(layer, one, other, &clusters, &used) {
                        improved = true
                    }
                }
            }
        }
        return clusters
    }

    private static let mostPasses = 20

    private func exchange(
        _ layer: Int,
        _ one: Int,
        _ other: Int,
        _ clusters: inout [[Int]],
        _ used: inout [Int]
    ) -> Bool {
        let change = bytes[layer][clusters[layer][one]] - bytes[layer][clusters[layer][other]]
        guard used[one] - change <= rooms[one], used[other] + change <= rooms[other] else {
            return false
        }
        let before = around(layer, clusters)
        clusters[layer].swapAt(one, other)
        guard around(layer, clusters) < before * (1 - 1e-9) else {
            clusters[layer].swapAt(one, other)
            return false
        }
        used[one] -= change
        used[other] += change
        return true
    }

    /// Seconds of the links into and out of a layer.
    private func around(_ layer: Int, _ clusters: [[Int]]) -> Double {
        var sum = 0.0
        if layer > 0 {
            sum += traffic.seconds(layer - 1, from: clusters[layer - 1], to: clusters[layer])
        }
        if layer + 1 < clusters.count {
            sum += traffic.seconds(layer, from: clusters[layer], to: clusters[layer + 1])
        }
        return sum
    }
}
