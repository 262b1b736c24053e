import Model
import Placement
import Testing

@Suite("Rebalancing by what was counted")
struct RebalanceTests {
    @Test("Hot experts on one worker are taken apart, and the new plan then stays")
    func hotWorker() throws {
        let samples = try Self.samples(steps: 64, seed: 1)
        let facts = try Self.facts(samples)
        let choice = try Self.choose(facts)
        let chosen = try #require(choice.chosen)
        #expect(chosen.forecast.stepTime * 1.2 < choice.current.stepTime, "\(choice.reason)")
        #expect(chosen.forecast.medianImbalance < choice.current.medianImbalance)
        let change = try #require(chosen.change)
        #expect(change.moveCount > 0 && change.stages.last?.plan.layers == chosen.plan.layers)
        for verdict in choice.verdicts where verdict.name != chosen.name {
            #expect(
                verdict.objection != nil || verdict.forecast.stepTime >= chosen.forecast.stepTime
            )
        }
        var after = facts
        after.current = chosen.plan
        #expect(try Self.choose(after).chosen == nil)
    }

    @Test("A change that does not pay for its copies is not proposed")
    func payback() throws {
        let samples = try Self.samples(steps: 64, seed: 2)
        let rebalance = try Rebalance(Self.facts(samples))
        let candidates = rebalance.candidates(seconds: 0)
        let choice = rebalance.choose(among: candidates, payback: .nanoseconds(1))
        #expect(choice.chosen == nil && choice.reason.contains("the current plan stays"))
    }

    @Test("Few steps and unknown workers are named")
    func refusals() throws {
        let few = try Self.samples(steps: 15, seed: 3)
        #expect(throws: RebalanceError.tooFewSteps(15, least: 16)) {
            try Rebalance(Self.facts(few))
        }
        var facts = try Self.facts(Self.samples(steps: 16, seed: 3))
        facts.workers.removeLast()
        #expect(throws: RebalanceError.unknownWorkers) { try Rebalance(facts) }
    }

    @Test("Experts are cut only where that is allowed")
    func shards() throws {
        // One expert takes half of all rows: no plan of whole experts can be even.
        var samples = RoutingTrace(expertCounts: [16], topK: 1)
        for step in 0..<32 {
            let rows = (0..<64).map { UInt16($0 % 2 == 0 ? 0 : 1 + ($0 / 2 + step) % 15) }
            samples.append(rows)
        }
        var facts = try Self.facts(samples)
        let names = try Self.choose(facts).verdicts.map(\.name)
        #expect(!names.contains("sharded") && !names.contains("hybrid"))
        facts.mayCut = true
        let choice = try Self.choose(facts)
        let chosen = try #require(choice.chosen)
        #expect(["sharded", "hybrid"].contains(chosen.name), "\(choice.reason)")
        try chosen.plan.validate(expertCounts: [16], expertWidth: 128)
    }

    private static func choose(_ facts: Rebalance.Facts) throws -> PlanChoice {
        let rebalance = try Rebalance(facts)
        return rebalance.choose(among: rebalance.candidates(seconds: 0.2))
    }

    /// Experts 0 to 3 of each layer, which a contiguous plan gives to the first worker, are hot.
    private static func samples(steps: Int, seed: UInt64) throws -> RoutingTrace {
        var generator = SeededRandom(seed: seed)
        var trace = RoutingTrace(expertCounts: [16, 16], topK: 2)
        for _ in 0..<steps {
            var chosen: [UInt16] = []
            for _ in 0..<2 * 8 {
                let hot = UInt16.random(in: 0..<4, using: &generator)
                chosen += [hot, UInt16.random(in: 4..<16, using: &generator)]
            }
            trace.append(chosen)
        }
        return trace
    }

    private static func facts(_ samples: RoutingTrace) throws -> Rebalance.Facts {
        let plan = try contiguous(4, samples.expertCounts)
        return Rebalance.Facts(
            current: plan,
            profile: Profile(samples),
            samples: samples,
            workers: plan.workers.map(WorkerDescription.init),
            costs: CostModel(),
            sizes: ExpertSizes(byteCounts: samples.expertCounts.map { _ in 1000 }, width: 128),
            moveBandwidth: 1e6
        )
    }
}
