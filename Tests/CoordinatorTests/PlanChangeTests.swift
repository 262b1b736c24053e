import ClusterTesting
import Foundation
import Model
import Placement
import Testing
import Wire

@Suite("A plan changes while jobs go on", .serialized, .timeLimit(.minutes(10)))
struct PlanChangeTests {
    private static let names = ["alpha", "beta"]

    @Test("Jobs that decode while the plan changes again and again have the same tokens")
    func changing() async throws {
        let plans = try Self.plans(20) { random in
            let kind = Int.random(in: 0...2, using: &random)
            return kind == 2 ? .replicas([0, 1]) : .worker(kind)
        }
        let expected = try Demo.tokens(count: 300)
        try await Self.change(through: plans) { #expect($0.tokens == expected, "\($0.message)") }
    }

    @Test("So have jobs whose experts are cut alike all the time, while shards change places")
    func movingShards() async throws {
        let plans = try Self.plans(20) { random in
            Self.halves(first: Int.random(in: 0...1, using: &random))
        }
        let expected = try Demo.tokens(count: 300, shards: [0..<128, 128..<256])
        try await Self.change(startingWith: plans[0], through: Array(plans.dropFirst())) {
            #expect($0.tokens == expected, "\($0.message)")
        }
    }

    @Test("Jobs go on while experts are cut and put together again")
    func cutting() async throws {
        let plans = try Self.plans(20) { random in
            switch Int.random(in: 0...3, using: &random) {
            case 0: .replicas([0, 1])
            case 1: .worker(Int.random(in: 0...1, using: &random))
            default: Self.halves(first: Int.random(in: 0...1, using: &random))
            }
        }
        // Rounding may choose another token where two are as good as equally likely.
        try await Self.change(through: plans) {
            #expect($0.tokens.count == 300, "\($0.message)")
        }
    }

    /// Changes to one plan after another while four clients have jobs, and checks how these end.
    private static func change(
        startingWith first: Plan? = nil,
        through plans: [Plan],
        check: @escaping @Sendable (Ended) -> Void
    ) async throws {
        var setup = InProcessCluster.Setup.demo(names)
        setup.plan = first
        try await InProcessCluster.run(setup) { cluster in
            let client = cluster.client
            try await client.status { $0.isReady }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<3 { check(try await client.run(Demo.greedyJob(300))) }
                    }
                }
                for plan in plans {
                    let reply = try await client.change(to: plan)
                    #expect(reply.isBegun, "\(reply.message)")
                    let after = try await client.planInForce { $0.stageCount == 0 }
                    #expect(try Plan(json: Array(after.json.utf8)).layers == plan.layers)
                }
                try await group.waitForAll()
            }
            let data = try Data(
                contentsOf: URL(filePath: "\(cluster.stateDirectory)/plan.json")
            )
            #expect(try Plan(json: Array(data)).layers == plans.last?.layers)
        }
    }

    @Test("What cannot be done is refused with the reason, and changes nothing")
    func refused() async throws {
        try await InProcessCluster.run(.demo(Self.names)) { cluster in
            let client = cluster.client
            try await client.status { $0.isReady }
            let before = try await client.planInForce { _ in true }
            let same = try await client.change(to: Plan(json: Array(before.json.utf8)))
            #expect(!same.isBegun && same.message.contains("already"), "\(same.message)")
            let other = Plan(epoch: Epoch(rawValue: 1), workers: [], layers: [])
            let reply = try await client.change(to: other)
            #expect(!reply.isBegun && reply.message.contains("no workers"), "\(reply.message)")
            #expect(try await client.planInForce { _ in true } == before)
        }
    }

    @Test("A drained worker has no experts, jobs go on, and the history says what was done")
    func drained() async throws {
        try await InProcessCluster.run(.demo(Self.names)) { cluster in
            let client = cluster.client
            try await client.status { $0.isReady }
            let expected = try Demo.tokens(count: 300)
            async let job = client.run(Demo.greedyJob(300))
            let alpha = try #require(WorkerName(rawValue: "alpha"))
            let reply = try await client.answer(.drainNode(DrainNode(name: alpha, isOver: false)))
            #expect(reply.isBegun && reply.moveCount > 0 && reply.byteCount > 0)
            let after = try await client.planInForce { $0.stageCount == 0 }
            #expect(try Plan(json: Array(after.json.utf8)).expertCounts[0] == 0)
            #expect(try await job.tokens == expected)

            let back = try Self.plans(1) { _ in .worker(0) }[0]
            let refused = try await client.change(to: back)
            #expect(!refused.isBegun && refused.message.contains("undrain alpha"))
            let over = try await client.answer(.drainNode(DrainNode(name: alpha, isOver: true)))
            #expect(over.isBegun && over.moveCount == 0)
            #expect(try await client.change(to: back).isBegun)
            _ = try await client.planInForce { $0.stageCount == 0 }
            let history = try await client.history()
            #expect(
                history.map { $0["reason"] } == ["the first plan", "alpha is drained", "asked for"]
            )
            #expect(history.allSatisfy { $0["outcome"] == "done" }, "\(history)")
        }
    }

    /// One half of an expert on one worker, one on the other.
    private static func halves(first: Int) -> ExpertEntry {
        .shards([
            Shard(worker: first, from: 0, to: 128), Shard(worker: 1 - first, from: 128, to: 256),
        ])
    }

    private static func plans(
        _ count: Int,
        _ entry: (inout SeededRandom) -> ExpertEntry
    ) throws -> [Plan] {
        var random = SeededRandom(seed: 3)
        let counts = try WholeModel.demo.description.expertCounts
        return (0..<count).map { _ in
            Plan(
                epoch: Epoch(rawValue: 1),
                workers: names.compactMap(WorkerName.init(rawValue:)),
                layers: counts.map { count in (0..<count).map { _ in entry(&random) } }
            )
        }
    }
}

private struct WrongAnswer: Error {
    let messages: [ClientMessage]
}

extension TestClient {
    fileprivate func change(to plan: Plan) async throws -> ChangeReply {
        try await answer(
            .changePlan(ChangePlan(json: String(decoding: plan.json(), as: UTF8.self)))
        )
    }

    fileprivate func answer(_ wish: ClientMessage) async throws -> ChangeReply {
        let messages = try await exchange(wish) { _ in false }
        guard case .changeReply(let reply) = messages.last else {
            throw WrongAnswer(messages: messages)
        }
        return reply
    }

    /// What became of plans, texts only.
    fileprivate func history() async throws -> [[String: String]] {
        let messages = try await exchange(.getPlanHistory) { _ in false }
        guard case .planHistory(let history) = messages.last else {
            throw WrongAnswer(messages: messages)
        }
        return try history.jsonLines.split(separator: "\n").map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return (object ?? [:]).compactMapValues { $0 as? String }
        }
    }

    /// The plan in force, once it is as wanted.
    fileprivate func planInForce(
        _ isWanted: @escaping @Sendable (PlanInForce) -> Bool
    ) async throws -> PlanInForce {
        let messages = try await converse(.getPlan) { message in
            guard case .planInForce(let plan) = message else { return .finish }
            return isWanted(plan) ? .finish : .ask(.getPlan)
        }
        guard case .planInForce(let plan) = messages.last else {
            throw WrongAnswer(messages: messages)
        }
        return plan
    }
}
