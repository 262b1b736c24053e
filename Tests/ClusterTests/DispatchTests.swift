import Cluster
import Model
import Placement
import Testing

@Suite("Dispatch")
struct DispatchTests {
    @Test("gives each worker the rows that its experts need, ascending")
    func shares() throws {
        var dispatch = try Dispatch(plan: try plan(workers: 2, experts: 4))
        let routing = Routing(topK: 2, experts: [3, 0, 1, 0, 2, 3], weights: [1, 2, 3, 4, 5, 6])
        let shares = dispatch.shares(layer: LayerIndex(1), routing: routing)
        #expect(shares.map(\.worker) == [0, 1])
        #expect(shares[0].rows == [0, 1])
        #expect(shares[0].pairRows == [0, 1, 1])
        #expect(shares[0].pairExperts == [0, 1, 0])
        #expect(shares[0].pairWeights == [2, 3, 4])
        #expect(shares[1].rows == [0, 2])
        #expect(shares[1].pairRows == [0, 1, 1])
        #expect(shares[1].pairExperts == [3, 2, 3])
        #expect(shares[1].pairWeights == [1, 5, 6])
    }

    @Test("asks nothing of workers whose experts were not chosen")
    func idleWorkers() throws {
        var dispatch = try Dispatch(plan: try plan(workers: 3, experts: 3))
        let routing = Routing(topK: 1, experts: [1, 1], weights: [1, 1])
        let shares = dispatch.shares(layer: LayerIndex(1), routing: routing)
        #expect(shares.map(\.worker) == [1])
        #expect(shares[0].rows == [0, 1])
    }

    @Test("has nothing to do for no rows")
    func noRows() throws {
        var dispatch = try Dispatch(plan: try plan(workers: 2, experts: 2))
        let shares = dispatch.shares(layer: LayerIndex(1), routing: Routing(topK: 2))
        #expect(shares.isEmpty)
    }

    @Test("puts every pair into exactly one share", arguments: 0..<50 as Range<UInt64>)
    func everyPairOnce(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let workers = Int.random(in: 1...5, using: &generator)
        let experts = Int.random(in: 1...16, using: &generator)
        let topK = Int.random(in: 1...min(4, experts), using: &generator)
        let chosen = (0..<Int.random(in: 1...20, using: &generator)).flatMap { _ in
            (0..<Int32(experts)).shuffled(using: &generator).prefix(topK)
        }
        let weights = chosen.indices.map { Float($0) }
        let routing = Routing(topK: topK, experts: chosen, weights: weights)
        let plan = try plan(workers: workers, experts: experts)
        var dispatch = try Dispatch(plan: plan)
        let shares = dispatch.shares(layer: LayerIndex(1), routing: routing)

        var seen = Array(repeating: 0, count: chosen.count)
        for share in shares {
            #expect(Set(share.rows).sorted() == share.rows, "seed \(seed)")
            #expect(share.pairRows.sorted() == share.pairRows, "seed \(seed)")
            #expect(Set(share.pairRows).count == share.rows.count, "seed \(seed)")
            for (index, weight) in share.pairWeights.enumerated() {
                let pair = Int(weight)
                seen[pair] += 1
                #expect(share.rows[Int(share.pairRows[index])] == UInt32(pair / topK))
                #expect(share.pairExperts[index] == UInt32(chosen[pair]))
                #expect(plan.owner(of: expert(1, Int(chosen[pair]))) == share.worker)
            }
        }
        #expect(seen.allSatisfy { $0 == 1 }, "seed \(seed)")
    }

    /// Expert 0 whole on a, 1 in shards on all, 2 in shards on b and c.
    private func cut() throws -> Plan {
        Plan(
            epoch: epoch(1),
            workers: [try name("a"), try name("b"), try name("c")],
            layers: [
                [
                    .worker(0),
                    .shards((0..<3).map { Shard(worker: $0, from: 32 * $0, to: 32 * $0 + 32) }),
                    .shards([Shard(worker: 2, from: 0, to: 32), Shard(worker: 1, from: 32, to: 96)]
                    ),
                ]
            ]
        )
    }

    @Test("gives a pair to everyone who holds a shard of its expert; rows travel once")
    func shards() throws {
        var dispatch = try Dispatch(plan: cut())
        let routing = Routing(topK: 2, experts: [0, 1, 2, 1], weights: [1, 2, 3, 4])
        let shares = dispatch.shares(layer: LayerIndex(0), routing: routing)
        #expect(shares.map(\.worker) == [0, 1, 2])
        #expect(shares.map(\.rows) == [[0, 1], [0, 1], [0, 1]])
        #expect(shares.map(\.pairExperts) == [[0, 1, 1], [1, 2, 1], [1, 2, 1]])
        #expect(shares.map(\.pairWeights) == [[1, 2, 4], [2, 3, 4], [2, 3, 4]])
        // Each use of an expert is counted once: by whoever has the first shard of it.
        let first = shares.map { share in
            (0..<3).map { dispatch.isFirst($0, of: share, layer: LayerIndex(0)) }
        }
        #expect(first == [[true, true, true], [false, false, false], [false, true, false]])
    }

    @Test("keeps a shard for its holder: nobody else can compute it")
    func missingShards() throws {
        var dispatch = try Dispatch(plan: cut())
        let routing = Routing(topK: 2, experts: [0, 1, 2, 1], weights: [1, 2, 3, 4])
        let serving = [true, false, true]
        #expect(!dispatch.isCovered(by: serving) && dispatch.isCovered(by: [true, true, true]))
        let shares = dispatch.shares(layer: LayerIndex(0), routing: routing, among: serving)
        #expect(shares.map(\.worker) == [0, 2, nil])
        #expect(shares[2].pairExperts == [1, 2, 1] && shares[2].pairWeights == [2, 3, 4])
    }

    @Test("refuses a plan whose entries name no worker of it")
    func strangers() throws {
        let plan = Plan(epoch: epoch(1), workers: [try name("a")], layers: [[.worker(1)]])
        #expect(throws: PlanError.unknownWorker(expert(0, 0), index: 1, workerCount: 1)) {
            try Dispatch(plan: plan)
        }
    }

    @Test("gives what nobody who serves holds to nobody, as the last share")
    func missing() throws {
        var dispatch = try Dispatch(plan: plan(workers: 2, experts: 4))
        let routing = Routing(topK: 2, experts: [3, 0, 1, 0, 2, 3], weights: [1, 2, 3, 4, 5, 6])
        let shares = dispatch.shares(layer: LayerIndex(1), routing: routing, among: [false, true])
        #expect(shares.map(\.worker) == [1, nil])
        #expect(shares[0].rows == [0, 2])
        #expect(shares[1].rows == [0, 1])
        #expect(shares[1].pairExperts == [0, 1, 0])
        #expect(!dispatch.isCovered(by: [false, true]) && dispatch.isCovered(by: [true, true]))
    }

    @Test("gives every pair to a copy that serves, once", arguments: 0..<100 as Range<UInt64>)
    func replicas(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let plan = try replicated(using: &generator)
        var dispatch = try Dispatch(plan: plan)
        let serving = plan.workers.map { _ in Int.random(in: 0..<4, using: &generator) > 0 }
        let rowCount = [1, 3, 100].randomElement(using: &generator) ?? 1
        let chosen = (0..<rowCount).flatMap { _ in
            (0..<8).map { Int32($0) }.shuffled(using: &generator).prefix(3)
        }
        let routing = Routing(topK: 3, experts: chosen, weights: chosen.indices.map { Float($0) })
        let shares = dispatch.shares(layer: LayerIndex(0), routing: routing, among: serving)
        var seen = Array(repeating: 0, count: chosen.count)
        for share in shares {
            #expect(Set(share.rows).sorted() == share.rows, "seed \(seed)")
            for (index, weight) in share.pairWeights.enumerated() {
                seen[Int(weight)] += 1
                let copies = plan.layers[0][Int(share.pairExperts[index])].workers
                #expect(share.pairExperts[index] == UInt32(chosen[Int(weight)]), "seed \(seed)")
                if let worker = share.worker {
                    #expect(serving[worker] && copies.contains(worker), "seed \(seed)")
                } else {
                    #expect(!copies.contains { serving[$0] }, "seed \(seed)")
                }
            }
        }
        #expect(seen.allSatisfy { $0 == 1 }, "seed \(seed)")
        let again = dispatch.shares(layer: LayerIndex(0), routing: routing, among: serving)
        #expect(again == shares, "seed \(seed)")
    }

    private func replicated(using generator: inout SeededRandom) throws -> Plan {
        let entries = (0..<8).map { _ in
            let workers = (0..<4).filter { _ in Bool.random(using: &generator) }
            return workers.isEmpty ? ExpertEntry.worker(3) : .replicas(workers)
        }
        return Plan(
            epoch: epoch(1),
            workers: try (0..<4).map { try name("w\($0)") },
            layers: [entries]
        )
    }

    @Test("uses the memory of an earlier batch for the next one")
    func again() throws {
        var dispatch = try Dispatch(plan: try plan(workers: 3, experts: 6))
        let routings = [
            Routing(topK: 2, experts: [4, 5, 0, 5], weights: [1, 2, 3, 4]),
            Routing(topK: 2, experts: [2, 3], weights: [5, 6]),
            Routing(topK: 2),
            Routing(topK: 1, experts: [5, 0, 3], weights: [7, 8, 9]),
        ]
        var shares = ShareList()
        let everyone = [true, true, true]
        for routing in routings {
            dispatch.split(routing, layer: LayerIndex(1), among: everyone, into: &shares)
            let fresh = dispatch.shares(layer: LayerIndex(1), routing: routing)
            #expect((0..<shares.count).map { shares[$0] } == fresh)
        }
    }

    /// A dense layer, then one with experts.
    private func plan(workers: Int, experts: Int) throws -> Plan {
        .contiguous(
            workers: try (0..<workers).map { try name("w\($0)") },
            expertCounts: [0, experts],
            epoch: epoch(1)
        )
    }
}

extension Dispatch {
    /// The shares of a batch, in memory of their own.
    fileprivate mutating func shares(
        layer: LayerIndex,
        routing: Routing,
        among serving: [Bool]? = nil
    ) -> [WorkerShare] {
        var shares = ShareList()
        let everyone = workers.map { _ in true }
        split(routing, layer: layer, among: serving ?? everyone, into: &shares)
        return (0..<shares.count).map { shares[$0] }
    }
}
