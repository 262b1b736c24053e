import Cluster
import ClusterTesting
import Model
import Placement
import Testing
import Wire

/// What a job is told when a worker leaves, hangs or lies, and how the cluster goes on.
@Suite("A worker that fails ends its jobs with a clear error", .serialized, .timeLimit(.minutes(3)))
struct WorkerFaultTests {
    private static let names = ["alpha", "beta"]

    @Test("A worker that goes in mid-job is named, and the job after its return is right")
    func leaving() async throws {
        try await InProcessCluster.prepare(.demo(Self.names)) { cluster in
            let expected = try Demo.tokens(count: 12)
            try await cluster.running(cluster.daemons(leavingOut: 1)) {
                let hasTokens = Signal()
                async let job = cluster.client.run(Demo.longJob, started: hasTokens)
                try await cluster.running([cluster.worker("beta")]) { await hasTokens.wait() }
                let ended = try await job
                #expect(ended.outcome == .failed)
                #expect(ended.message.contains("beta"), "\(ended.message)")
                #expect(ended.tokens.count < Demo.longCount)

                let status = try await cluster.client.status()
                #expect(!status.isReady)
                #expect(status.text.contains("beta"), "\(status.text)")
                try await cluster.running([cluster.worker("beta")]) {
                    let next = try await cluster.client.generate(Demo.prompt, maximumTokens: 12)
                    #expect(next.tokens == expected, "\(next.message)")
                }
            }
        }
    }

    @Test("A worker that lives but does not answer is named within the time for a share")
    func hanging() async throws {
        let ended = try await withScripted(settings: ["coordinator.share-time": "1s"]) { _ in
            .say([])
        }
        #expect(ended.outcome == .failed)
        #expect(ended.message.contains("'beta' did not answer"), "\(ended.message)")
    }

    @Test("A worker that falls silent is named within the silence limit")
    func silent() async throws {
        // Far more time for a share, so that silence alone can end the job.
        let ended = try await withScripted(settings: ["coordinator.share-time": "600s"]) { _ in
            .fallSilent
        }
        #expect(ended.outcome == .failed)
        #expect(ended.message.contains("'beta' was lost"), "\(ended.message)")
        #expect(ended.message.contains("silent"), "\(ended.message)")
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

    @Test("A worker that joins anew in the middle of a share does not lose rows silently")
    func rejoining() async throws {
        let ended = try await withScripted { _ in .rejoin }
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
                    let next = try await cluster.client.generate(Demo.prompt, maximumTokens: 12)
                    #expect(next.tokens == expected, "\(next.message)")
                }
                return ended
            }
        }
    }
}
