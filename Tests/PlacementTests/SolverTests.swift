import Model
import Placement
import Testing

@Suite("Every solver")
struct SolverTests {
    @Test(
        "places every expert within every worker's memory, the same each time, with a true bound",
        arguments: 0..<150 as Range<UInt64>
    )
    func properties(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let problem = try randomProblem(experts: 3...9, using: &generator)
        for solver in PlacementSolver.allCases {
            let effort = SolverEffort(seconds: 0.01)
            let solution = solver.solve(problem, effort: effort)
            let place = "seed \(seed), \(solver)"
            try solution.plan.validate(expertCounts: problem.profile.expertCounts)
            #expect(solution.plan.workers == problem.workerNames, "\(place)")
            #expect(isWithinRooms(solution.plan, problem), "\(place)")
            #expect(solver.solve(problem, effort: effort).plan == solution.plan, "\(place)")
            #expect(solution.lowerBound <= solution.objective, "\(place)")
            #expect((0...1).contains(solution.gap), "\(place)")
            #expect(problem.maxOverMeanLoads(of: solution.plan).allSatisfy { $0 >= 1 - 1e-9 })
        }
    }

    @Test(
        "of ours finds the best plan there is in small cases, and never claims a better bound",
        arguments: 0..<200 as Range<UInt64>
    )
    func bruteForce(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let problem = try randomProblem(experts: 3...4, layers: 1...2, using: &generator)
        var best = Double.infinity
        forEachPlan(problem) { plan in
            let replay = Replay(
                plan,
                over: problem.steps,
                workers: problem.workers,
                costs: problem.costs
            )
            best = min(best, replay.meanStepSeconds)
        }
        let exact = PlacementSolver.moiety.solve(problem, effort: SolverEffort(seconds: 10))
        #expect(abs(exact.objective - best) < 1e-9 * best, "seed \(seed)")
        let quick = PlacementSolver.moiety.solve(problem, effort: SolverEffort(seconds: 0))
        #expect(quick.lowerBound <= best * (1 + 1e-9), "seed \(seed)")
        #expect(quick.objective >= best * (1 - 1e-9), "seed \(seed)")
    }

    @Test(
        "of ours is not worse than the others on the steps that it saw",
        arguments: 0..<30 as Range<UInt64>
    )
    func notWorse(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let problem = try randomProblem(experts: 8...12, layers: 2...4, using: &generator)
        func seconds(_ solver: PlacementSolver) -> Double {
            let plan = solver.solve(problem, effort: SolverEffort(seconds: 0.1)).plan
            return Replay(
                plan,
                over: problem.steps,
                workers: problem.workers,
                costs: problem.costs
            ).meanStepSeconds
        }
        // With copies, `balanced` may do better than any plan of whole experts.
        #expect(seconds(.moiety) <= seconds(.contiguous) * (1 + 1e-9), "seed \(seed)")
    }
}

@Suite("Balanced packing")
struct BalancedSolverTests {
    @Test("puts the hottest experts on different workers, as many to each")
    func packing() throws {
        let problem = try problem([[10, 9, 1, 2]], rows: 11, workers: .equal(2))
        let solution = PlacementSolver.balanced.solve(problem, effort: SolverEffort())
        let expected: [ExpertEntry] = [.worker(0), .worker(1), .worker(0), .worker(1)]
        #expect(solution.plan.layers == [expected])
        #expect(solution.objective == 11)
        #expect(solution.gap == 0)
    }

    @Test("copies hot experts where there is memory, and only there")
    func copies() throws {
        var workers = WorkerDescription.equal(2)
        workers[0].room = 3
        workers[1].room = 2
        let problem = try problem([[10, 1, 1, 1]], rows: 13, workers: workers)
        let solution = PlacementSolver.balanced.solve(problem, effort: SolverEffort())
        #expect(solution.plan.layers[0][0] == .replicas([0, 1]))
        #expect(solution.plan.layers[0].dropFirst().allSatisfy { $0.workers.count == 1 })
        #expect(problem.maxOverMeanLoads(of: solution.plan)[0] < 1.1)
    }

    @Test("gives faster workers more")
    func speeds() throws {
        var workers = WorkerDescription.equal(2)
        workers[0].speed = 3
        workers[0].room = 8
        workers[1].room = 8
        let rows = Array(repeating: 1.0, count: 8)
        let problem = try problem([rows], rows: 8, workers: workers)
        let plan = PlacementSolver.balanced.solve(problem, effort: SolverEffort()).plan
        #expect(plan.expertCounts[0] >= 6)
    }
}

@Suite("A problem")
struct PlacementProblemTests {
    @Test("that has no plan is refused with the reason")
    func refused() throws {
        var workers = WorkerDescription.equal(2)
        #expect(throws: PlacementError.noWorkers) { try problem([[1, 1]], rows: 1, workers: []) }
        workers[0].room = 1
        workers[1].room = 0
        #expect(throws: PlacementError.noRoom(needed: 2, room: 1)) {
            try problem([[1, 1]], rows: 1, workers: workers)
        }
        workers = .equal(2)
        workers[1].speed = .nan
        let reason = "its speed is nan"
        #expect(throws: PlacementError.badWorker(workers[1].name, reason: reason)) {
            try problem([[1, 1]], rows: 1, workers: workers)
        }
        let profile = Profile(rows: 1, topK: 1, layers: [.init(activations: [1, 1])])
        let trace = RoutingTrace(expertCounts: [3], topK: 1)
        #expect(throws: PlacementError.self) {
            try PlacementProblem(profile: profile, workers: .equal(2), trace: trace)
        }
        #expect(throws: PlacementError.crowded(layer: 0)) {
            var small = WorkerDescription.equal(3)
            for index in small.indices { small[index].room = 5 }
            _ = try PlacementProblem(profile: profile, workers: small, expertByteCounts: [6])
        }
    }

    @Test("without a trace draws its steps from the pairs, the same each time")
    func drawnSteps() throws {
        let layer = Profile.Layer(
            activations: [100, 100, 100, 100],
            coactivations: [PairCount(0, 1, count: 100), PairCount(2, 3, count: 100)]
        )
        let profile = Profile(rows: 200, topK: 2, layers: [layer])
        let problem = try PlacementProblem(profile: profile, workers: .equal(2))
        let again = try PlacementProblem(profile: profile, workers: .equal(2))
        #expect(problem.stepsAreDrawn)
        #expect(problem.steps == again.steps)
        #expect(problem.steps.rowCounts.allSatisfy { $0 == 8 })
        let drawn = Profile(problem.steps).layers[0].coactivations
        let together = drawn.filter { $0.second == $0.first ^ 1 }.reduce(0) { $0 + $1.count }
        #expect(together > 0.99 * Double(problem.steps.rowCount))
    }
}

// MARK: Support

extension [WorkerDescription] {
    static func equal(_ count: Int) -> [WorkerDescription] { WorkerDescription.equal(count) }
}

func problem(
    _ activations: [[Double]],
    rows: Double,
    workers: [WorkerDescription]
) throws -> PlacementProblem {
    let layers = activations.map { Profile.Layer(activations: $0) }
    return try PlacementProblem(
        profile: Profile(rows: rows, topK: 1, layers: layers),
        workers: workers
    )
}

func randomProblem(
    experts: ClosedRange<Int>,
    layers: ClosedRange<Int> = 1...3,
    using generator: inout SeededRandom
) throws -> PlacementProblem {
    let topK = Int.random(in: 1...3, using: &generator)
    let counts = (0..<Int.random(in: layers, using: &generator)).map { _ in
        Int.random(in: experts, using: &generator)
    }
    var trace = RoutingTrace(expertCounts: counts, topK: topK)
    for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let rows = Int.random(in: 1...5, using: &generator)
        let chosen = counts.flatMap { count in
            (0..<rows).flatMap { _ in
                (0..<count).shuffled(using: &generator).prefix(topK).map(UInt16.init)
            }
        }
        trace.append(chosen)
    }
    var workers = WorkerDescription.equal(Int.random(in: 1...3, using: &generator))
    if Bool.random(using: &generator) {
        let all = counts.reduce(0, +)
        for index in workers.indices {
            workers[index].room = Int.random(in: all / 3...all, using: &generator) + 2
            workers[index].speed = Double.random(in: 0.5...2, using: &generator)
            workers[index].bandwidth = Double.random(in: 1e7...1e9, using: &generator)
        }
    }
    let room = workers.reduce(0) { $0 + ($1.room ?? 1000) }
    if room < counts.reduce(0, +) { workers[0].room = 1000 }
    return try PlacementProblem(profile: Profile(trace), workers: workers, trace: trace)
}

func isWithinRooms(_ plan: Plan, _ problem: PlacementProblem) -> Bool {
    let even = problem.profile.expertCounts.reduce(0) {
        $0 + ($1 + problem.workers.count - 1) / problem.workers.count
    }
    return zip(plan.expertCounts, problem.workers).allSatisfy { $0 <= $1.room ?? even }
}

/// Calls `body` with every plan of whole experts that fits.
func forEachPlan(_ problem: PlacementProblem, _ body: (Plan) -> Void) {
    let counts = problem.profile.expertCounts
    let total = counts.reduce(0, +)
    let workers = problem.workers.count
    var owners = Array(repeating: 0, count: total)
    while true {
        var rest = owners[...]
        let layers = counts.map { count in
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count).map(ExpertEntry.worker)
        }
        let plan = Plan(
            epoch: Epoch(rawValue: 1),
            workers: problem.workerNames,
            layers: layers
        )
        if isWithinRooms(plan, problem) { body(plan) }
        guard let place = owners.indices.first(where: { owners[$0] + 1 < workers }) else { return }
        for lower in 0..<place { owners[lower] = 0 }
        owners[place] += 1
    }
}
