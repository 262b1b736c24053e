/// Our own objective for hub and spoke: the mean over steps of the time of the busiest worker.
///
/// Starts from the best plan that others made, improves it layer by layer by exchanging experts,
/// and then lets layers exchange room. Stops by work done, not by the clock, so that the same
/// problem and effort give the same plan anywhere.
struct MoietySolver {
    let problem: PlacementProblem
    let effort: SolverEffort
    /// Plans of whole experts to start from, the first of which fits.
    let starts: [Plan]

    func solve() -> PlacementSolution {
        let steps = sample
        let costs = problem.workers.map(problem.costs.costs)
        if let owners = ExactSearch(problem, steps, costs).owners(work: effort.work / 4) {
            let plan = problem.plan(owners: owners)
            let objective = seconds(plan, steps)
            return solution(plan, objective: objective, lowerBound: objective)
        }
        let (owners, lowerBound) = search(steps, costs)
        let plan = problem.plan(owners: owners)
        return solution(plan, objective: seconds(plan, steps), lowerBound: lowerBound)
    }

    /// - Returns: who holds each expert, and what no plan can beat.
    private func search(_ steps: RoutingTrace, _ costs: [WorkerCosts]) -> ([[Int]], Double) {
        let bound = StepBound(problem)
        let layers = problem.profile.layers.indices.filter {
            problem.profile.expertCounts[$0] > 0
        }
        let start = best(steps, costs)
        var owners = start.layers.map { $0.map { $0.workers.first ?? 0 } }
        var free = zip(problem.rooms, problem.byteCounts(of: start)).map { $0 - $1 }
        var lowerBound = 0.0
        // Some is left for exchanges between layers.
        var workLeft = effort.work / 4 * 3
        for (place, layer) in layers.enumerated() {
            let floor = bound.mean(steps, layer: layer)
            lowerBound += floor
            var descent = LayerDescent(
                LayerSearch(steps, layer: layer, costs: costs, owners: owners[layer]),
                expertBytes: problem.expertByteCounts[layer],
                free: free,
                floor: floor,
                seed: UInt64(layer)
            )
            descent.run(work: workLeft / (layers.count - place))
            workLeft = max(0, workLeft - descent.work)
            owners[layer] = descent.owners
            free = descent.free
        }
        var exchange = RoomExchange(problem, steps, costs, owners: owners, free: free)
        exchange.run(work: workLeft + effort.work / 4)
        return (exchange.owners, lowerBound)
    }

    private func solution(
        _ plan: Plan,
        objective: Double,
        lowerBound: Double
    ) -> PlacementSolution {
        PlacementSolution(
            solver: "moiety",
            plan: plan,
            objective: objective,
            lowerBound: lowerBound,
            notes: problem.stepsAreDrawn
                ? ["steps were drawn from the profile's pairs, as no trace was given"] : []
        )
    }

    /// As many steps as the tables of the search may have room for.
    private var sample: RoutingTrace {
        let rows = max(1, problem.steps.rowCount / max(1, problem.steps.stepCount))
        let fitting = effort.tableSize / (rows * problem.workers.count)
        return problem.steps.sample(max(1, min(effort.stepCount, fitting)))
    }

    private func best(_ steps: RoutingTrace, _ costs: [WorkerCosts]) -> Plan {
        let fitting = starts.filter(problem.fits)
        let timed = (fitting.isEmpty ? [ContiguousSolver(problem: problem).solve().plan] : fitting)
            .map { (plan: $0, seconds: seconds($0, steps)) }
        return timed.min { $0.seconds < $1.seconds }?.plan ?? starts[0]
    }

    private func seconds(_ plan: Plan, _ steps: RoutingTrace) -> Double {
        Replay(plan, over: steps, workers: problem.workers, costs: problem.costs).meanStepSeconds
    }
}

/// How long solvers search, in work instead of time.
public struct SolverEffort: Hashable, Sendable {
    /// Words of memory that searches may touch, all layers together.
    public var work: Int
    /// Steps that plans are judged by while they are searched for.
    public var stepCount = 256
    /// Entries of a search's largest table, rows by workers.
    public var tableSize = 16 << 20

    /// What takes about `seconds` on one core of 2023.
    public init(seconds: Double = 60) {
        work = Int(max(0, min(seconds, 1e6)) * 2.5e8)
    }
}
