import Placement

/// How a layer's experts lie on workers.
public enum ShardMode: String, CaseIterable, Sendable {
    /// Consecutive whole experts to each worker.
    case contiguous
    /// Whole experts as MoETuner's first integer program clusters them.
    case moetuner
    /// A slice of every expert to each worker.
    case sharded
    /// `moetuner` with those experts in shards that keep the others waiting.
    case hybrid

    /// Made from the layer's profile, not from the rows that are measured.
    func plan(
        of layer: SkewedLayer,
        workers: [WorkerDescription],
        costs: CostModel,
        expertWidth: Int
    ) throws(PlacementError) -> Plan {
        let epoch = Epoch(rawValue: 1)
        switch self {
        case .contiguous, .moetuner:
            let problem = try PlacementProblem(
                profile: layer.profile,
                workers: workers,
                costs: costs
            )
            let solver: PlacementSolver = self == .contiguous ? .contiguous : .moetuner
            return solver.solve(problem, effort: SolverEffort(seconds: 1)).plan
        case .sharded:
            return Plan.sharded(
                workers: workers,
                expertCounts: [layer.rowCounts.count],
                expertWidth: expertWidth,
                epoch: epoch
            )
        case .hybrid:
            let whole = try Self.moetuner.plan(
                of: layer,
                workers: workers,
                costs: costs,
                expertWidth: expertWidth
            )
            return whole.hybrid(
                rowCounts: [layer.profiledCounts.map(Double.init)],
                workers: workers,
                costs: costs,
                expertWidth: expertWidth,
                epoch: epoch
            )
        }
    }
}

/// What each worker computes of a layer: the rows of its experts and slices.
struct ShardLoad {
    struct Part {
        var rowCount: Int
        /// Feed-forward dimensions.
        var width: Int
    }

    var parts: [Part] = []

    /// Every row visits one expert, so each travels to a worker once at most.
    var rowCount: Int { parts.reduce(0) { $0 + $1.rowCount } }

    /// Rows of whole experts that it is worth.
    func wholeRows(expertWidth: Int) -> Double {
        parts.reduce(0) { $0 + Double($1.rowCount * $1.width) / Double(expertWidth) }
    }

    /// `[worker]`.
    static func loads(of plan: Plan, rowCounts: [Int], expertWidth: Int) -> [ShardLoad] {
        var loads = Array(repeating: ShardLoad(), count: plan.workers.count)
        for (entry, rows) in zip(plan.layers[0], rowCounts) where rows > 0 {
            for shard in entry.shards {
                let part = Part(rowCount: rows, width: shard.to - shard.from)
                loads[shard.worker].parts.append(part)
            }
            // None of these plans has copies.
            if entry.shards.isEmpty, let worker = entry.workers.first {
                loads[worker].parts.append(Part(rowCount: rows, width: expertWidth))
            }
        }
        return loads
    }
}
