/// The best plan there is for the sampled steps, where layers are small enough to try everything.
///
/// Every assignment of a layer is timed and the best one kept for each way to fill the workers;
/// then dynamic programming over the layers picks one each, so that all fit together.
struct ExactSearch {
    private let problem: PlacementProblem
    private let steps: RoutingTrace
    private let costs: [WorkerCosts]

    /// A layer's best assignment among those that give each worker as many experts.
    private struct Filling {
        let counts: [Int]
        let owners: [Int]
        let total: Double
    }

    /// The best way to have filled the workers up to some layer.
    private struct State {
        let total: Double
        /// Which filling the latest layer took, and from which bytes before it.
        let filling: Int
        let before: [Int]
    }

    init(_ problem: PlacementProblem, _ steps: RoutingTrace, _ costs: [WorkerCosts]) {
        self.problem = problem
        self.steps = steps
        self.costs = costs
    }

    /// Owners of every layer's experts, or nil where that is more work than `work`.
    func owners(work: Int) -> [[Int]]? {
        guard isFeasible(work: work) else { return nil }
        let fillings = problem.profile.layers.indices.map(fillings)
        var stages: [[[Int]: State]] = []
        var reached: [[Int]: State] = [
            costs.map { _ in 0 }: State(total: 0, filling: 0, before: [])
        ]
        var left = work / 64
        for (layer, choices) in fillings.enumerated() {
            left -= reached.count * choices.count
            guard left >= 0 else { return nil }
            reached = extend(reached, by: choices, bytes: problem.expertByteCounts[layer])
            stages.append(reached)
        }
        return trace(stages, fillings)
    }

    private func isFeasible(work: Int) -> Bool {
        var left = Double(work)
        for experts in problem.profile.expertCounts where experts > 0 {
            var assignments = 1.0
            for _ in 0..<experts { assignments *= Double(costs.count) }
            // Every move touches the steps that use the expert, at most all of them.
            let visits = Double(steps.rowCount * steps.topK) / Double(experts)
            left -= assignments * 1.5 * (visits * 4 + 32)
        }
        return left > 0
    }

    private func fillings(layer: Int) -> [Filling] {
        let experts = problem.profile.expertCounts[layer]
        guard experts > 0 else {
            return [Filling(counts: costs.map { _ in 0 }, owners: [], total: 0)]
        }
        let start = Array(repeating: 0, count: experts)
        var search = LayerSearch(steps, layer: layer, costs: costs, owners: start)
        var counts = costs.map { _ in 0 }
        counts[0] = experts
        var best: [[Int]: Filling] = [:]
        repeat {
            if search.total < best[counts]?.total ?? .infinity {
                best[counts] = Filling(counts: counts, owners: search.owners, total: search.total)
            }
        } while advance(&search, &counts)
        return best.values.sorted { $0.counts.lexicographicallyPrecedes($1.counts) }
    }

    /// The next assignment, as a counter counts; false after the last.
    private func advance(_ search: inout LayerSearch, _ counts: inout [Int]) -> Bool {
        for expert in 0..<search.expertCount {
            let old = search.owners[expert]
            let next = (old + 1) % costs.count
            search.move(expert, to: next)
            counts[old] -= 1
            counts[next] += 1
            if next != 0 { return true }
        }
        return false
    }

    private func extend(
        _ reached: [[Int]: State],
        by choices: [Filling],
        bytes: Int
    ) -> [[Int]: State] {
        var next: [[Int]: State] = [:]
        let ordered = reached.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        for (before, state) in ordered {
            for (index, filling) in choices.enumerated() {
                let used = zip(before, filling.counts).map { $0 + $1 * bytes }
                guard zip(used, problem.rooms).allSatisfy({ $0 <= $1 }) else { continue }
                let total = state.total + filling.total
                guard total < next[used]?.total ?? .infinity else { continue }
                next[used] = State(total: total, filling: index, before: before)
            }
        }
        return next
    }

    private func trace(_ stages: [[[Int]: State]], _ fillings: [[Filling]]) -> [[Int]]? {
        let ends = stages.last?.sorted { $0.key.lexicographicallyPrecedes($1.key) } ?? []
        guard var used = ends.min(by: { $0.value.total < $1.value.total })?.key else { return nil }
        var owners: [[Int]] = []
        for (layer, stage) in stages.enumerated().reversed() {
            guard let state = stage[used] else { return nil }
            owners.append(fillings[layer][state.filling].owners)
            used = state.before
        }
        return owners.reversed()
    }
}
