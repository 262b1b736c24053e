import Model
import Placement
import Testing

@Suite("MoETuner's programs")
struct MoetunerTests {
    @Test(
        "reach the best deviation that any clusters of a layer have, and bound it truly",
        arguments: 0..<200 as Range<UInt64>
    )
    func firstProgram(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let workers = Int.random(in: 2...3, using: &generator)
        let experts = Int.random(in: workers...7, using: &generator)
        let rows = (0..<experts).map { _ in Double(Int.random(in: 0...50, using: &generator)) }
        var machines = WorkerDescription.equal(workers)
        for index in machines.indices { machines[index].room = experts }
        let problem = try problem([rows], rows: 100, workers: machines)
        var options = MoetunerOptions()
        options.cardinality = Bool.random(using: &generator) ? .free : .fixed
        var best = Double.infinity
        forEachPlan(problem) { plan in
            let counts = plan.expertCounts
            let isAllowed =
                options.cardinality == .free
                ? counts.allSatisfy { $0 > 0 } : (counts.max() ?? 0) - (counts.min() ?? 0) <= 1
            if isAllowed { best = min(best, Self.deviation(plan, rows)) }
        }
        let solution = PlacementSolver.moetuner.solve(
            problem,
            effort: SolverEffort(),
            moetuner: options
        )
        #expect(abs(solution.objective - best) < 1e-9, "seed \(seed)")
        #expect(abs(Self.deviation(solution.plan, rows) - best) < 1e-9, "seed \(seed)")
        #expect(solution.lowerBound <= best + 1e-9, "seed \(seed)")
    }

    @Test(
        "even out many experts to less than half a percent of the rows",
        arguments: 0..<20 as Range<UInt64>
    )
    func manyExperts(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let rows = (0..<128).map { _ in Double(Int.random(in: 1...9999, using: &generator)) }
        let problem = try problem([rows, rows.reversed()], rows: 10_000, workers: .equal(8))
        let solution = PlacementSolver.moetuner.solve(problem, effort: SolverEffort())
        let gaps = try #require(solution.gaps)
        #expect(gaps.ilp1 <= 0.005, "seed \(seed)")
        #expect(problem.maxOverMeanLoads(of: solution.plan).allSatisfy { $0 < 1.001 })
        #expect(solution.plan.expertCounts == Array(repeating: 32, count: 8))
    }

    @Test(
        "put clusters where the busiest link has least to carry",
        arguments: 0..<60 as Range<UInt64>
    )
    func secondProgram(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let workers = Int.random(in: 2...3, using: &generator)
        // One expert per worker, so that only the second program decides.
        let layers = (0..<3).map { layer in
            Profile.Layer(
                activations: Array(repeating: 10, count: workers),
                transitions: layer == 2
                    ? []
                    : (0..<workers * workers).map { slot in
                        let count = Double(Int.random(in: 0...10, using: &generator))
                        return PairCount(slot / workers, slot % workers, count: count)
                    }
            )
        }
        let profile = Profile(rows: 10, topK: 1, layers: layers)
        let problem = try PlacementProblem(profile: profile, workers: .equal(workers))
        var best = Double.infinity
        forEachPlan(problem) { plan in
            let isOneEach = plan.layers.allSatisfy { Set($0.flatMap(\.workers)).count == workers }
            if isOneEach { best = min(best, Self.busiestLinks(plan, profile)) }
        }
        let solution = PlacementSolver.moetuner.solve(problem, effort: SolverEffort())
        #expect(Self.busiestLinks(solution.plan, profile) == best, "seed \(seed)")
        #expect(solution.gaps?.ilp2 == 0, "seed \(seed)")
    }

    private static func deviation(_ plan: Plan, _ rows: [Double]) -> Double {
        var loads = plan.workers.map { _ in 0.0 }
        for (expert, entry) in plan.layers[0].enumerated() {
            for worker in entry.workers { loads[worker] += rows[expert] }
        }
        let mean = rows.reduce(0, +) / Double(loads.count)
        return loads.reduce(0) { $0 + abs($1 - mean) }
    }

    private static func busiestLinks(_ plan: Plan, _ profile: Profile) -> Double {
        (0..<profile.layers.count - 1).reduce(0) { sum, layer in
            var rows: [[Int]: Double] = [:]
            for pair in profile.layers[layer].transitions {
                let from = plan.layers[layer][pair.first].workers[0]
                let to = plan.layers[layer + 1][pair.second].workers[0]
                if from != to { rows[[from, to], default: 0] += pair.count }
            }
            return sum + (rows.values.max() ?? 0)
        }
    }
}

@Suite("The choice of a plan")
struct PlanChoiceTests {
    /// Two workers, two hot experts both on the first one.
    private func question(moveBandwidth: Double = 1e9) throws -> PlanChoice.Question {
        let workers = WorkerDescription.equal(2)
        var trace = RoutingTrace(expertCounts: [4], topK: 2)
        for _ in 0..<10 { trace.append([0, 1, 0, 1, 0, 1, 2, 3]) }
        let names = workers.map(\.name)
        func plan(_ owners: [Int]) -> Plan {
            let entries = owners.map(ExpertEntry.worker)
            return Plan(epoch: Epoch(rawValue: 3), workers: names, layers: [entries])
        }
        return PlanChoice.Question(
            current: plan([0, 0, 1, 1]),
            candidates: [("same", plan([0, 0, 1, 1])), ("better", plan([0, 1, 0, 1]))],
            heldOut: trace,
            workers: workers,
            costs: CostModel(),
            sizes: ExpertSizes(byteCounts: [1000], width: 32),
            moveBandwidth: moveBandwidth
        )
    }

    @Test("takes the fastest candidate and says what it gains and moves")
    func better() throws {
        let choice = PlanChoice(try question())
        let chosen = try #require(choice.chosen)
        #expect(chosen.name == "better")
        #expect(chosen.forecast.stepTime < choice.current.stepTime)
        #expect(chosen.change?.moveCount == 2)
        #expect(chosen.change?.byteCount == 2000)
        #expect(chosen.moveTime == .microseconds(2))
        #expect(choice.reason.hasPrefix("better takes "))
        let same = choice.verdicts.first { $0.name == "same" }
        #expect(same?.objection == "is the current plan")
    }

    @Test("keeps the current plan where the copies would not pay")
    func tooDear() throws {
        let choice = PlanChoice(try question(moveBandwidth: 0.1))
        #expect(choice.chosen == nil)
        #expect(choice.reason.contains("to copy and saves"), "\(choice.reason)")
    }

    @Test("keeps the current plan where the gain is noise, or the way is blocked")
    func noGain() throws {
        var question = try question()
        question.leastGain = 0.9
        #expect(PlanChoice(question).reason.contains("is noise"))
        question = try self.question()
        question.workers[0].room = 2000
        question.workers[1].room = 2000
        let choice = PlanChoice(question)
        #expect(choice.chosen == nil)
        #expect(choice.verdicts.last?.objection?.contains("cannot be reached") == true)
    }

    @Test("says when fewer workers would be faster")
    func fewer() throws {
        var question = try question()
        #expect(PlanChoice(question).advice == nil)
        question.workers[1].roundTrip = .seconds(1)
        question.workers[1].speed = 0.5
        let advice = try #require(PlanChoice(question).advice)
        #expect(advice.contains("with w0 alone"), "\(advice)")
    }
}
