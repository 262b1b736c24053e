public import Placement

/// Plans a case by every solver and replays the plans on steps that none has seen.
public struct PlacementBenchmark {
    private let testCase: PlacementCase
    private let effort: SolverEffort

    public init(_ testCase: PlacementCase, effort: SolverEffort) {
        self.testCase = testCase
        self.effort = effort
    }

    /// - Throws: where no plan is possible.
    public func run() throws(PlacementError) -> PlacementComparison {
        let (seen, unseen) = testCase.trace.halves
        let problem = try PlacementProblem(
            profile: Profile(seen),
            workers: testCase.workers,
            trace: seen
        )
        var options = MoetunerOptions()
        options.betweenHosts = testCase.betweenHosts
        let clock = ContinuousClock()
        var results: [PlacementResult] = []
        for solver in PlacementSolver.allCases {
            let start = clock.now
            let solution = solver.solve(problem, effort: effort, moetuner: options)
            results.append(
                PlacementResult(
                    solver: solver,
                    solution: solution,
                    planningTime: clock.now - start,
                    replay: Replay(
                        solution.plan,
                        over: unseen,
                        workers: testCase.workers,
                        costs: CostModel()
                    ),
                    linkTail: AllToAll(testCase, costs: CostModel())
                        .tailSeconds(solution.plan, over: unseen)
                )
            )
        }
        return PlacementComparison(
            name: testCase.name,
            results: results,
            attainableTail: attainableTail(unseen)
        )
    }

    /// What plans of whole experts could reach if they knew each step: the mean over workers, or
    /// the hottest expert where that is more.
    private func attainableTail(_ trace: RoutingTrace) -> Double {
        let costs = CostModel()
        let perExpert = costs.perExpert / .seconds(1)
        let perPair = costs.perPair / .seconds(1)
        let speed = testCase.workers.reduce(0) { $0 + $1.speed }
        var sum = 0.0
        for step in 0..<trace.stepCount {
            for layer in trace.expertLayers {
                var rows = Array(repeating: 0, count: trace.expertCounts[layer])
                for expert in trace.experts(step: step, layer: layer) { rows[Int(expert)] += 1 }
                let times = rows.filter { $0 > 0 }.map { perExpert + perPair * Double($0) }
                sum += max(times.reduce(0, +) / speed, times.max() ?? 0)
            }
        }
        return sum / Double(max(1, trace.stepCount))
    }
}

/// What one solver's plan did.
public struct PlacementResult: Sendable {
    public let solver: PlacementSolver
    public let solution: PlacementSolution
    public let planningTime: Duration
    public let replay: Replay
    /// Seconds of the busiest link, were workers to send to each other as in the paper.
    public let linkTail: Double

    /// Seconds per step of the slowest worker's computing, layers together.
    var computeTail: Double { replay.layers.reduce(0) { $0 + $1.computeTail } }
    var computeMean: Double { replay.layers.reduce(0) { $0 + $1.computeMean } }
    var transferTail: Double { replay.layers.reduce(0) { $0 + $1.transferTail } }
}

/// All solvers on one case; the first is `contiguous`.
public struct PlacementComparison: Sendable {
    public let name: String
    public let results: [PlacementResult]
    /// Computing per step if plans of whole experts knew each step.
    let attainableTail: Double
}
