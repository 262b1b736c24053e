import Cluster
import ClusterTesting
import Model
import Placement
import Synchronization
import Testing
import Wire

/// Coordinators beside workers that give accuracy for speed.
@Suite("Lossy workers and what jobs say of them", .serialized, .timeLimit(.minutes(10)))
struct LossyWorkerTests {
    private static let settings = ["coordinator.lossy": "true"]

    /// Runs `body` beside a coordinator and one scripted worker called alpha.
    private static func run<Result: Sendable>(
        _ worker: @escaping @Sendable (InProcessCluster) throws -> ScriptedWorker,
        settings more: [String: String] = [:],
        body: @escaping @Sendable (InProcessCluster) async throws -> Result
    ) async throws -> Result {
        let settings = Self.settings.merging(more) { $1 }
        return try await InProcessCluster.prepare(
            .demo(["alpha"], settings: settings)
        ) { cluster in
            try await cluster.running([cluster.coordinator()]) {
                try await worker(cluster).running { try await body(cluster) }
            }
        }
    }

    private static func scripted(
        in cluster: InProcessCluster,
        lossy: LossyKind?,
        answer: @escaping @Sendable (Share) -> ScriptedWorker.Answer
    ) throws -> ScriptedWorker {
        let name = try #require(WorkerName(rawValue: "alpha"))
        let model = try WholeModel.demo.file.identity()
        var worker = ScriptedWorker(name, of: model, in: cluster, answer: answer)
        worker.lossy = lossy
        return worker
    }

    @Test("Each job is told of its own rows, however many share its steps")
    func jobs() async throws {
        try await Self.run({ try .lossy("alpha", in: $0) }) { cluster in
            let client = cluster.client
            try await client.nodes { $0.map(\.lossy) == [.resident] }
            async let first = client.generate(Demo.prompt, maximumTokens: 12)
            async let second = client.generate("a b c d e f g", maximumTokens: 5)
            for ended in try await [first, second] {
                #expect(ended.outcome == .completed, "\(ended.message)")
                let uses = try #require(ended.expertUses)
                // Two experts in each of six layers; the last token is not computed any more.
                let rows = ended.promptTokenCount + ended.tokens.count - 1
                #expect(uses == TierUses(high: 6 * rows, low: 6 * rows))
            }
        }
    }

    @Test("Each evaluation is told of its own rows, beside jobs and one after another")
    func evaluations() async throws {
        try await Self.run({ try .lossy("alpha", in: $0) }) { cluster in
            let client = cluster.client
            async let job = client.generate(Demo.prompt, maximumTokens: 12)
            // Longer than what is computed of an evaluation at once.
            for count in [3, 150, 1] {
                let tokens = Array(repeating: Int32(5), count: count)
                let reply = try await client.evaluate(tokens, top: 1)
                #expect(reply.expertUses == TierUses(high: 6 * count, low: 6 * count))
            }
            let ended = try await job
            let rows = ended.promptTokenCount + ended.tokens.count - 1
            #expect(ended.expertUses == TierUses(high: 6 * rows, low: 6 * rows))
        }
    }

    @Test("Exact workers have nothing to tell, whatever the coordinator would take")
    func exact() async throws {
        let setup = InProcessCluster.Setup.demo(["alpha"], settings: Self.settings)
        try await InProcessCluster.run(setup) { cluster in
            #expect(try await cluster.client.evaluate([1, 2, 3], top: 1).expertUses == nil)
            try await cluster.client.nodes { $0.map(\.lossy) == [nil] }
            let ended = try await cluster.client.generate(Demo.prompt, maximumTokens: 4)
            #expect(ended.outcome == .completed && ended.expertUses == nil)
            #expect(try ended.tokens == Demo.tokens(count: 4))
        }
    }

    private static func zeros(_ share: Share, uses: [UInt32]) -> ScriptedWorker.Answer {
        let header = share.header
        let rows = PartialRows(
            id: header.id,
            attempt: header.attempt,
            epoch: header.epoch,
            layer: header.layer,
            width: header.width,
            values: Array(repeating: 0, count: header.rowCount * header.width),
            uses: uses,
            computeTime: .zero
        )
        return .say([DataMessage.partialRows(rows).encode()])
    }

    @Test("Shares have no more rows than a worker with a budget reckons with, whatever is set")
    func rows() async throws {
        let most = Mutex(0)
        let settings = ["coordinator.prefill-rows": "2048"]
        let ended = try await Self.run(
            { cluster in
                try Self.scripted(in: cluster, lossy: .resident) { share in
                    let rowCount = share.header.rowCount
                    most.withLock { $0 = max($0, rowCount) }
                    return Self.zeros(share, uses: Array(repeating: 0, count: 2 * rowCount))
                }
            },
            settings: settings
        ) { cluster in
            let prompt = String(repeating: "a b c d ", count: 250)
            return try await cluster.client.generate(prompt, maximumTokens: 1)
        }
        #expect(ended.outcome == .completed, "\(ended.message)")
        #expect(ended.promptTokenCount > WireLimits.budgetedRowCount)
        let seen = most.withLock { $0 }
        #expect(seen > 256 && seen <= WireLimits.budgetedRowCount)
    }

    @Test("A worker that says nothing of its answers, or lies, answers nothing")
    func lies() async throws {
        @Sendable func tooMany(_ share: Share) -> [UInt32] {
            (0..<share.header.rowCount).flatMap { _ in [1, UInt32.max] }
        }
        let lies: [(LossyKind?, @Sendable (Share) -> ScriptedWorker.Answer, String)] = [
            (.resident, { Self.zeros($0, uses: []) }, "does not say how inexact"),
            (.hobbit, { Self.zeros($0, uses: tooMany($0)) }, "went without 4294967295"),
            (nil, { Self.zeros($0, uses: tooMany($0)) }, "did not say that it is lossy"),
        ]
        for (kind, answer, reason) in lies {
            let ended = try await Self.run({ cluster in
                try Self.scripted(in: cluster, lossy: kind, answer: answer)
            }) { cluster in
                try await cluster.client.generate(Demo.prompt, maximumTokens: 4)
            }
            #expect(ended.outcome == .failed)
            #expect(ended.message.contains(reason), "\(ended.message)")
        }
    }

    @Test("Lone rows may go without what weighs little, where their worker asked for that")
    func choices() async throws {
        let shares = Mutex<[Share]>([])
        let model = try WholeModel.demo
        let ended = try await Self.run({ cluster in
            try Self.scripted(in: cluster, lossy: .hobbit) { share in
                shares.withLock { $0.append(share) }
                guard let right = try? share.computed(by: model) else { return .say([]) }
                let header = right.header
                let rows = PartialRows(
                    id: header.id,
                    attempt: header.attempt,
                    epoch: header.epoch,
                    layer: header.layer,
                    width: header.width,
                    values: right.values,
                    uses: Array(repeating: 0, count: 2 * header.rowCount),
                    computeTime: .zero
                )
                return .say([DataMessage.partialRows(rows).encode()])
            }
        }) { cluster in
            try await cluster.client.generate(Demo.prompt, maximumTokens: 12)
        }
        #expect(try ended.tokens == Demo.tokens(count: 12), "\(ended.message)")
        #expect(ended.expertUses?.low == 0 && ended.expertUses?.skipped == 0)
        let seen = shares.withLock { $0 }
        let lone = seen.filter { $0.header.rowCount == 1 }
        #expect(!lone.isEmpty && lone.count < seen.count)
        #expect(seen.allSatisfy { $0.header.hasChoices == ($0.header.rowCount == 1) })
        for share in lone {
            // The heaviest comes as it is in the file; a second one of two is never left out.
            let heaviest = share.pairWeights.indices.max {
                share.pairWeights[$0] < share.pairWeights[$1]
            }
            #expect(share.pairChoices[try #require(heaviest)] == 0)
            #expect(share.pairChoices.count == 2)
        }
        #expect(lone.contains { $0.pairChoices.contains { $0 > 0 } })
    }
}
