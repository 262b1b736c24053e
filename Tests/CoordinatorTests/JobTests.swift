import ClusterTesting
import Generation
import Messaging
import Synchronization
import Testing
import Wire

/// Jobs as clients meet them: cancelled, refused, left alone.
@Suite("Every job ends once, with its reason", .serialized, .timeLimit(.minutes(10)))
struct JobTests {
    @Test("A job is cancelled by another client, and says so")
    func cancelling() async throws {
        try await InProcessCluster.runSlowly { cluster in
            let client = cluster.client
            let started = Signal()
            async let job = client.run(Demo.longJob, started: started)
            await started.wait()
            #expect(try await Self.cancelRunning(client))
            let ended = try await job
            #expect(ended.outcome == .cancelled)
            #expect(ended.reason == .cancelled)
            #expect(ended.tokens.count < Demo.longCount)
            let unknown = try await client.exchange(.cancel(Cancel(job: "job-9-9"))) { _ in false }
            guard case .cancelReply(let none) = unknown.last else { return }
            #expect(!none.isCancelled)
            #expect(none.message.contains("no such job"))
        }
    }

    @Test("A job beyond the queue is refused at the door, and those inside are not disturbed")
    func fullQueue() async throws {
        let settings = [
            "coordinator.queued-jobs": "0", "coordinator.running-jobs": "1",
        ]
        try await InProcessCluster.runSlowly(settings: settings) { cluster in
            let client = cluster.client
            let started = Signal()
            async let first = client.run(Demo.longJob, started: started)
            await started.wait()
            let second = try await client.generate(Demo.prompt, maximumTokens: 4)
            #expect(second.outcome == .failed)
            #expect(second.message.contains("full"), "\(second.message)")
            // It was not disturbed.
            #expect(try await Self.cancelRunning(client))
            #expect(try await first.outcome == .cancelled)
        }
    }

    @Test("What cannot be computed is refused with the numbers that someone will ask for")
    func refusals() async throws {
        let settings = ["coordinator.context-length": "32"]
        try await InProcessCluster.run(.demo(["alpha"], settings: settings)) { cluster in
            let client = cluster.client
            let long = String(repeating: "0 1 2 3 ", count: 20)
            let tooLong = try await client.generate(long, maximumTokens: 4)
            #expect(tooLong.outcome == .failed)
            #expect(tooLong.message.contains("the context only 32"), "\(tooLong.message)")
            #expect(try await client.evaluationFailure(of: []).contains("no tokens"))
            for token in [-1, .max, 1 << 30] as [Int32] {
                let message = try await client.evaluationFailure(of: [1, token])
                #expect(message.contains("token \(token) is not in the vocabulary"))
            }
            let many = try await client.evaluationFailure(of: Array(repeating: 1, count: 33))
            #expect(many.contains("33 tokens"), "\(many)")
            #expect(try await client.generate(Demo.prompt, maximumTokens: 2).outcome == .completed)
        }
    }

    /// Cancels the job that runs.
    ///
    /// - Returns: whether the coordinator agreed.
    private static func cancelRunning(_ client: TestClient) async throws -> Bool {
        let running = try #require(try await client.jobs().first { $0.state == .running })
        let replies = try await client.exchange(.cancel(Cancel(job: running.id))) { _ in false }
        guard case .cancelReply(let reply) = replies.last else { return false }
        return reply.isCancelled
    }

    @Test("A job whose first token is wished soon comes before one that came earlier")
    func objectives() async throws {
        let settings = ["coordinator.running-jobs": "1"]
        try await InProcessCluster.runSlowly(settings: settings) { cluster in
            let client = cluster.client
            let started = Signal()
            async let long = client.run(Demo.longJob, started: started)
            await started.wait()
            let running = try #require(try await client.jobs().first { $0.state == .running }).id
            let usual = Mutex("")
            let messages = try await client.converse(.submit(Demo.greedyJob(4))) { message in
                switch message {
                case .accepted(let accepted):
                    guard accepted.tag == 1 else { return .send(.cancel(Cancel(job: running))) }
                    usual.withLock { $0 = accepted.job }
                    var urgent = Demo.greedyJob(5)
                    urgent.tag = 2
                    urgent.objective = ServiceObjective(firstToken: .seconds(30))
                    return .send(.submit(urgent))
                case .ended(let ended):
                    return ended.job == usual.withLock { $0 } ? .finish : .listen
                default: return .listen
                }
            }
            let tokenCounts = messages.compactMap { message -> Int? in
                if case .ended(let ended) = message { ended.tokens.count } else { nil }
            }
            #expect(tokenCounts == [5, 4])
            #expect(try await long.outcome == .cancelled)
        }
    }

    @Test("The job of a client that vanishes is cancelled; another's goes on")
    func vanishedClient() async throws {
        let expected = try Demo.tokens(count: 32)
        try await InProcessCluster.run(.demo(["alpha"])) { cluster in
            let client = cluster.client
            let vanished = Mutex("")
            // Leaves in the middle of its stream, without a word.
            _ = try await client.exchange(.submit(Demo.longJob)) { message in
                guard case .tokens(let tokens) = message else { return true }
                vanished.withLock { $0 = tokens.job }
                return false
            }
            let ended = try await client.generate(Demo.prompt, maximumTokens: 32)
            #expect(ended.tokens == expected, "\(ended.message)")
            let id = vanished.withLock { $0 }
            let messages = try await client.converse(.listJobs) { message in
                guard case .jobs(let jobs) = message else { return .listen }
                let job = jobs.first { $0.id == id }
                return job?.state == .cancelled ? .finish : .ask(.listJobs)
            }
            #expect(!messages.isEmpty)
        }
    }
}
