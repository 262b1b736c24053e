/// Greedy packing of the hottest experts first, as DeepSeek's EPLB does it, and copies of the
/// hottest where memory is left.
struct BalancedSolver {
    let problem: PlacementProblem
    /// Whether hot experts get copies.
    var copies = true

    func solve() -> PlacementSolution {
        let slots = slots()
        let layers = problem.profile.layers.indices.map { layer in
            entries(layer, slots: slots[layer])
        }
        let plan = Plan(epoch: Epoch(rawValue: 1), workers: problem.workerNames, layers: layers)
        let loads = RowLoads(problem: problem)
        let isWhole = layers.joined().allSatisfy { $0.workers.count == 1 }
        return PlacementSolution(
            solver: "balanced",
            plan: plan,
            objective: loads.objective(plan),
            lowerBound: loads.lowerBound(whole: isWhole)
        )
    }

    /// How many experts, copies among them, each worker may hold; `[layer][worker]`.
    private func slots() -> [[Int]] {
        var free = problem.rooms
        for (layer, row) in problem.quotas.enumerated() {
            for (worker, count) in row.enumerated() {
                free[worker] -= count * problem.expertByteCounts[layer]
            }
        }
        // An even split's rounding is no room for copies.
        for (worker, description) in problem.workers.enumerated()
        where description.room == nil || !copies {
            free[worker] = 0
        }
        var layersLeft = problem.profile.expertCounts.count { $0 > 0 }
        return problem.quotas.indices.map { layer in
            let bytes = problem.expertByteCounts[layer]
            guard problem.profile.expertCounts[layer] > 0 else { return problem.quotas[layer] }
            defer { layersLeft -= 1 }
            return problem.quotas[layer].enumerated().map { worker, count in
                let extra = bytes > 0 ? free[worker] / layersLeft / bytes : 0
                let most = min(count + extra, problem.profile.expertCounts[layer])
                free[worker] -= max(0, most - count) * bytes
                return max(count, most)
            }
        }
    }

    private func entries(_ layer: Int, slots: [Int]) -> [ExpertEntry] {
        let rows = problem.profile.layers[layer].activations
        let copies = copyCounts(of: rows, slotCount: slots.reduce(0, +))
        var open = slots
        var load = Array(repeating: 0.0, count: slots.count)
        var held = rows.map { _ in [Int]() }
        let order = rows.indices.sorted { a, b in
            let left = rows[a] / Double(copies[a])
            let right = rows[b] / Double(copies[b])
            return left == right ? a < b : left > right
        }
        // Every expert once before the second copies, or these could take the last slot.
        var firsts = rows.count
        for expert in order {
            let share = rows[expert] / Double(copies[expert])
            for copy in 0..<copies[expert] {
                if copy > 0, open.reduce(0, +) <= firsts { break }
                let place = open.indices
                    .filter { open[$0] > 0 && !held[expert].contains($0) }
                    .min { after(share, load, $0) < after(share, load, $1) }
                guard let place else { break }
                open[place] -= 1
                load[place] += share
                held[expert].append(place)
                if copy == 0 { firsts -= 1 }
            }
        }
        return held.map { $0.count == 1 ? .worker($0[0]) : .replicas($0.sorted()) }
    }

    private func after(_ share: Double, _ load: [Double], _ worker: Int) -> Double {
        (load[worker] + share) / problem.workers[worker].speed
    }

    /// How many copies of each expert, while slots are left and a copy's rows still matter.
    private func copyCounts(of rows: [Double], slotCount: Int) -> [Int] {
        var copies = rows.map { _ in 1 }
        guard slotCount > rows.count, problem.workers.count > 1 else { return copies }
        let small = rows.reduce(0, +) / Double(problem.workers.count) * Self.smallShare
        let most = min(problem.workers.count, Plan.Limits().partsPerExpert)
        for _ in rows.count..<slotCount {
            let hottest = rows.indices.filter { copies[$0] < most }.max {
                (rows[$0] / Double(copies[$0]), $1) < (rows[$1] / Double(copies[$1]), $0)
            }
            guard let hottest, rows[hottest] / Double(copies[hottest]) > small else { break }
            copies[hottest] += 1
        }
        return copies
    }

    /// Of a worker's mean rows: what is less cannot unbalance it.
    private static let smallShare = 0.02
}
