import Cluster
import ClusterTesting
import Model
import Placement
import Testing
import Wire

/// What a job is told when a worker leaves, hangs or lies, and how the cluster goes on.
@Suite(
    "A worker that fails is waited for, replaced by copies, or named",
    .serialized,
    .timeLimit(.minutes(10))
)
struct WorkerFaultTests {
    private static let names = ["alpha", "beta"]

    @Test("A job waits in mid-step for a worker that went, and goes on as if nothing had been")
    func leaving() async throws {
        try await InProcessCluster.prepare(.demo(Self.names)) { cluster in
            let expected = try Demo.tokens(count: 400)
            try await cluster.running(cluster.daemons(leavingOut: 1)) {
                let hasTokens = Signal()
                async let job = cluster.client.run(Demo.greedyJob(400), started: hasTokens)
                try await cluster.running([cluster.worker("beta")]) { await hasTokens.wait() }

                let status = try await cluster.client.status { !$0.isReady }
                #expect(status.text.contains("beta"), "\(status.text)")
                let hasEnded = Signal()
                async let second: Void = cluster.running([cluster.worker("beta")]) {
                    await hasEnded.wait()
                }
                let ended = try await job
                hasEnded.fire()
                try await second
                #expect(ended.tokens == expected, "\(ended.message)")
            }
        }
    }

    @Test("A job goes on when others have loaded what a worker that went held")
    func recovery() async throws {
        let settings = ["coordinator.recovery-wait": "0s", "coordinator.recovery-hold": "0s"]
        let setup = InProcessCluster.Setup.demo(Self.names, settings: settings)
        try await InProcessCluster.prepare(setup) { cluster in
            let expected = try Demo.tokens(count: 400)
            try await cluster.running(cluster.daemons(leavingOut: 1)) {
                let hasTokens = Signal()
                async let job = cluster.client.run(Demo.greedyJob(400), started: hasTokens)
                try await cluster.running([cluster.worker("beta")]) { await hasTokens.wait() }
                let ended = try await job
                #expect(ended.tokens == expected, "\(ended.message)")
                try await cluster.client.status {
                    $0.isReady && $0.text.contains("without beta")
                }
                // It comes back, and the other lets go of what it took over.
                try await cluster.running([cluster.worker("beta")]) {
                    let count = try Demo.expertCount
                    try await cluster.client.nodes { nodes in
                        nodes.reduce(0) { $0 + $1.expertCount } == count
                            && nodes.allSatisfy { $0.state == "ready" }
                    }
                    let next = try await cluster.client.generate(Demo.prompt, maximumTokens: 12)
                    #expect(try next.tokens == Demo.tokens(count: 12), "\(next.message)")
                }
            }
        }
    }

    @Test("So it does where its experts lie in shards: another takes the lost worker's as they are")
    func recoveryOfShards() async throws {
        let names = Self.names + ["gamma"]
        let halves = [Shard(worker: 0, from: 0, to: 128), Shard(worker: 2, from: 128, to: 256)]
        let setup = try Self.shards(halves, on: names)
        try await InProcessCluster.prepare(setup) { cluster in
            let expected = try Demo.tokens(count: 400, shards: [0..<128, 128..<256])
            let ended = try await Self.losingTheLast(cluster)
            #expect(ended.tokens == expected, "\(ended.message)")
        }
    }

    @Test("Where everybody has a part of every expert, a neighbour's shard grows by the lost one's")
    func growingShards() async throws {
        let halves = [Shard(worker: 0, from: 0, to: 128), Shard(worker: 1, from: 128, to: 256)]
        let setup = try Self.shards(halves, on: Self.names)
        try await InProcessCluster.prepare(setup) { cluster in
            let ended = try await Self.losingTheLast(cluster)
            #expect(ended.tokens.count == 400, "\(ended.message)")
        }
    }

    /// A cluster whose experts are all cut alike, in which others soon take over.
    private static func shards(
        _ shards: [Shard],
        on names: [String]
    ) throws -> InProcessCluster.Setup {
        let settings = ["coordinator.recovery-wait": "0s", "coordinator.recovery-hold": "0s"]
        var setup = InProcessCluster.Setup.demo(names, settings: settings)
        setup.plan = Plan(
            epoch: Epoch(rawValue: 3),
            workers: names.compactMap { WorkerName(rawValue: $0) },
            layers: try WholeModel.demo.description.expertCounts.map {
                Array(repeating: .shards(shards), count: $0)
            }
        )
        return setup
    }

    /// A job of 400 tokens during which the last worker goes: when others have what it held, the
    /// job ends, and when it is back, the plan is in the end what it was.
    private static func losingTheLast(_ cluster: InProcessCluster) async throws -> Ended {
        let last = try #require(cluster.setup.workers.last?.name)
        let before = try #require(cluster.setup.plan?.expertCounts)
        return try await cluster.running(cluster.daemons(leavingOut: 1)) {
            let hasTokens = Signal()
            async let job = cluster.client.run(Demo.greedyJob(400), started: hasTokens)
            try await cluster.running([cluster.worker(last)]) { await hasTokens.wait() }
            let ended = try await job
            let status = try await cluster.client.status { $0.isReady }
            #expect(!status.text.contains("waiting"), "\(status.text)")
            try await cluster.running([cluster.worker(last)]) {
                try await cluster.client.nodes { nodes in
                    nodes.map(\.expertCount) == before
                        && nodes.allSatisfy { $0.state == "ready" }
                }
            }
            return ended
        }
    }

    @Test("With a copy of every expert a job does not even wait for a worker that went")
    func leavingCopies() async throws {
        var setup = InProcessCluster.Setup.demo(Self.names)
        setup.plan = try .replicated(on: Self.names)
        try await InProcessCluster.prepare(setup) { cluster in
            let expected = try Demo.tokens(count: 400)
            try await cluster.running(cluster.daemons(leavingOut: 1)) {
                let hasTokens = Signal()
                async let job = cluster.client.run(Demo.greedyJob(400), started: hasTokens)
                try await cluster.running([cluster.worker("beta")]) {
                    await hasTokens.wait()
                    let nodes = try await cluster.client.nodes()
                    #expect(Set(nodes.map(\.expertCount)).count == 1, "both hold everything")
                }
                let ended = try await job
                #expect(ended.tokens == expected, "\(ended.message)")
                let status = try await cluster.client.status { $0.text.contains("beta") }
                #expect(status.isReady, "\(status.text)")
            }
        }
    }

    @Test("A worker that lives but does not answer is named when it does not join anew either")
    func hanging() async throws {
        let settings = ["coordinator.share-time": "1s", "coordinator.worker-wait": "3s"]
        let ended = try await withScripted(settings: settings) { _ in .say([]) }
        #expect(ended.outcome == .failed)
        #expect(ended.message.contains("'beta'"), "\(ended.message)")
    }

    @Test("A worker that falls silent and does not come back is named with what it held")
    func silent() async throws {
        // Far more time for a share, so that silence alone can end the job.
        let settings = ["coordinator.share-time": "600s", "coordinator.worker-wait": "3s"]
        let ended = try await withScripted(settings: settings) { _ in .fallSilent }
        #expect(ended.outcome == .failed)
        #expect(ended.message.contains("expert"), "\(ended.message)")
        #expect(ended.message.contains("'beta'"), "\(ended.message)")
    }

    @Test("A worker that refuses is named with its reason")
    func refusing() async throws {
        let ended = try await withScripted { share in
            let refusal = ShareRefused(
                id: share.header.id,
                attempt: share.header.attempt,
                code: .notHeld,
                text: "not at home"
            )
            return .say([DataMessage.shareRefused(refusal).encode()])
        }
        #expect(ended.outcome == .failed)
        #expect(ended.message.contains("'beta'"), "\(ended.message)")
        #expect(ended.message.contains("not at home"), "\(ended.message)")
    }

    @Test("Rows of the wrong shape are never added up", arguments: [1, 64, 3 * 384])
    func wrongShape(width: Int) async throws {
        let ended = try await withScripted { share in
            let rows = share.answer(values: Array(repeating: 0, count: width), width: width)
            return .say([DataMessage.partialRows(rows).encode()])
        }
        #expect(ended.outcome == .failed)
        #expect(ended.message.contains("'beta'"), "\(ended.message)")
    }

    @Test("A worker that joins anew in the middle of each share does not lose rows silently")
    func rejoining() async throws {
        let settings = ["coordinator.worker-wait": "3s"]
        let ended = try await withScripted(settings: settings) { _ in .rejoin }
        #expect(ended.outcome == .failed)
        #expect(ended.message.contains("beta"), "\(ended.message)")
    }

    @Test(
        "Answers that are doubled, late, of another epoch, of nobody's or unreadable change nothing"
    )
    func strays() async throws {
        let model = try WholeModel.demo
        let setup = InProcessCluster.Setup.demo(Self.names)
        let ended = try await Self.run(
            setup,
            beside: { share in
                guard let right = try? share.computed(by: model) else { return .say([]) }
                let other = share.answer(
                    id: ShareID(rawValue: share.header.id.rawValue &+ 1_000_000),
                    values: right.values,
                    width: right.header.width
                )
                let attempt = share.answer(
                    attempt: share.header.attempt &+ 1,
                    values: right.values,
                    width: right.header.width
                )
                let epoch = share.answer(
                    epoch: Epoch(rawValue: share.header.epoch.rawValue &+ 1),
                    values: right.values,
                    width: right.header.width
                )
                let messages: [DataMessage] = [
                    .partialRows(other), .partialRows(attempt), .partialRows(epoch),
                    .share(share), .partialRows(right), .partialRows(right),
                ]
                return .say([[[1, 2, 3]], [[], []]] + messages.map { $0.encode() })
            }
        )
        #expect(ended.outcome == .completed, "\(ended.message)")
        #expect(try ended.tokens == Demo.tokens(count: 12))
    }

    /// Ends of a job on a cluster whose worker `beta` is scripted; afterwards the real one takes
    /// its place, and its job must be right.
    private func withScripted(
        settings: [String: String] = [:],
        _ answer: @escaping @Sendable (Share) -> ScriptedWorker.Answer
    ) async throws -> Ended {
        try await Self.run(.demo(Self.names, settings: settings), beside: answer)
    }

    private static func run(
        _ setup: InProcessCluster.Setup,
        beside answer: @escaping @Sendable (Share) -> ScriptedWorker.Answer
    ) async throws -> Ended {
        let name = try #require(WorkerName(rawValue: "beta"))
        let model = try WholeModel.demo.file.identity()
        let expected = try Demo.tokens(count: 12)
        return try await InProcessCluster.prepare(setup) { cluster in
            try await cluster.running(cluster.daemons(leavingOut: 1)) {
                let scripted = ScriptedWorker(name, of: model, in: cluster, answer: answer)
                let ended = try await scripted.running {
                    try await cluster.client.generate(Demo.prompt, maximumTokens: 12)
                }
                try await cluster.running([cluster.worker("beta")]) {
                    // The scripted one said no goodbye: until it counts as lost, jobs may fail.
                    try await cluster.client.nodes { nodes in
                        nodes.contains { $0.name == name && $0.instructionSet != "none" }
                    }
                    try await cluster.client.status { $0.isReady }
                    let next = try await cluster.client.generate(Demo.prompt, maximumTokens: 12)
                    #expect(next.tokens == expected, "\(next.message)")
                }
                return ended
            }
        }
    }
}
