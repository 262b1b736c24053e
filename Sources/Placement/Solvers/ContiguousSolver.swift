/// Consecutive experts to each worker in turn, as Megatron and DeepSpeed place them.
struct ContiguousSolver {
    let problem: PlacementProblem

    func solve() -> PlacementSolution {
        let plan = plan()
        let loads = RowLoads(problem: problem)
        return PlacementSolution(
            solver: "contiguous",
            plan: plan,
            objective: loads.objective(plan),
            lowerBound: loads.lowerBound(whole: true)
        )
    }

    /// As many to each as to any other, or by memory and speed where that does not fit.
    private func plan() -> Plan {
        let even = Plan.contiguous(
            workers: problem.workerNames,
            expertCounts: problem.profile.expertCounts,
            epoch: Epoch(rawValue: 1)
        )
        if problem.fits(even) { return even }
        return problem.plan(
            owners: problem.quotas.map { row in
                row.enumerated().flatMap { worker, count in
                    Array(repeating: worker, count: count)
                }
            }
        )
    }
}

extension PlacementProblem {
    /// Bytes of experts on each worker; `[worker]`.
    func byteCounts(of plan: Plan) -> [Int] {
        var bytes = Array(repeating: 0, count: workers.count)
        for (layer, entries) in plan.layers.enumerated() {
            for entry in entries {
                for worker in entry.workers { bytes[worker] += expertByteCounts[layer] }
            }
        }
        return bytes
    }

    func fits(_ plan: Plan) -> Bool {
        zip(byteCounts(of: plan), rooms).allSatisfy { $0 <= $1 }
    }
}
