import ClusterTesting
import Foundation
import Synchronization
import Testing
import Wire

/// Jobs that outlive their clients and the coordinator.
@Suite("Durable jobs", .serialized, .timeLimit(.minutes(10)))
struct DurableJobTests {
    private func durable(
        _ count: Int,
        ticket: String? = nil,
        sampling: SamplingRequest = SamplingRequest(temperature: 0)
    ) -> Submit {
        Submit(
            tag: 5,
            prompt: Demo.prompt,
            maximumTokens: count,
            sampling: sampling,
            isDurable: true,
            ticket: ticket
        )
    }

    /// Submits and leaves as soon as the job is acknowledged.
    private func submit(_ request: Submit, to client: TestClient) async throws -> Accepted {
        let messages = try await client.exchange(.submit(request)) { message in
            if case .accepted = message { false } else { true }
        }
        guard case .accepted(let accepted)? = messages.last else {
            throw TestClient.Failure(description: "\(messages)")
        }
        return accepted
    }

    /// Submits jobs of so many tokens until one is left in the middle of its answer.
    ///
    /// One that has ended before its client has seen enough of it, because the machine had other
    /// things to do than to run the client, is no such job.
    private func leaveMidway(
        _ tokenCount: Int,
        after count: Int,
        _ client: TestClient
    ) async throws -> (ticket: String, job: String) {
        for attempt in 0..<20 {
            let ticket = "long-\(attempt)"
            let seen = Mutex(0)
            let messages = try await client.exchange(
                .submit(durable(tokenCount, ticket: ticket))
            ) { message in
                switch message {
                case .ended: return false
                case .tokens(let tokens):
                    return seen.withLock { seen in
                        seen += tokens.tokens.count
                        return seen < count
                    }
                default: return true
                }
            }
            if case .ended? = messages.last { continue }
            guard case .accepted(let accepted)? = messages.first else {
                throw TestClient.Failure(description: "\(messages)")
            }
            return (ticket, accepted.job)
        }
        throw TestClient.Failure(description: "every job ended before its client saw it run")
    }

    /// What is known of a job once it has ended.
    private func end(of job: String, _ client: TestClient) async throws -> JobFound {
        let question = ClientMessage.findJob(FindJob(job: job, follows: true))
        let messages = try await client.converse(question) { message in
            switch message {
            case .jobFound(let found) where found.ended != nil || found.job == nil: .finish
            case .ended: .send(question)
            default: .listen
            }
        }
        guard case .jobFound(let found)? = messages.last else {
            throw TestClient.Failure(description: "\(messages)")
        }
        return found
    }

    @Test("A job whose client leaves goes on, and can be asked for, also by the next life")
    func outlivesClient() async throws {
        try await InProcessCluster.prepare(.demo(["alpha"])) { cluster in
            let expected = try Demo.tokens(count: 30)
            try await cluster.running([cluster.worker("alpha")]) {
                let job = try await cluster.running([cluster.coordinator()]) {
                    let accepted = try await submit(durable(30), to: cluster.client)
                    #expect(accepted.isDurable && accepted.promptTokenCount > 0)
                    let found = try await end(of: accepted.job, cluster.client)
                    #expect(found.ended?.tokens == expected)
                    #expect(found.ended?.outcome == .completed)
                    #expect(!found.text.isEmpty && found.job?.state == .completed)
                    return accepted.job
                }
                try await cluster.running([cluster.coordinator()]) {
                    let found = try await end(of: job, cluster.client)
                    #expect(found.ended?.tokens == expected)
                    #expect(try await cluster.client.jobs().map(\.id) == [job])
                    let none = try await end(of: "job-9-9", cluster.client)
                    #expect(none.job == nil && none.trouble.isEmpty)
                }
            }
        }
    }

    @Test("A coordinator that ends in the middle of jobs leaves them to the next, token for token")
    func resumes() async throws {
        try await InProcessCluster.prepare(.demo(["alpha"])) { cluster in
            let expected = try Demo.tokens(count: 400)
            let seeded = SamplingRequest(temperature: 0.9, seed: 3)
            try await cluster.running([cluster.worker("alpha")]) {
                let whole = try await cluster.running([cluster.coordinator()]) {
                    var attached = durable(300, sampling: seeded)
                    attached.isDurable = false
                    return try await cluster.client.run(attached).tokens
                }
                let left = try await cluster.running([cluster.coordinator()]) {
                    let other = try await submit(
                        durable(300, sampling: seeded),
                        to: cluster.client
                    )
                    let (ticket, long) = try await leaveMidway(400, after: 40, cluster.client)
                    return (ticket: ticket, long: long, other: other.job)
                }
                try await cluster.running([cluster.coordinator()]) {
                    // The ticket still names it; its answer is told from the beginning.
                    let again = try await cluster.client.exchange(
                        .submit(durable(400, ticket: left.ticket))
                    ) { message in
                        if case .ended = message { false } else { true }
                    }
                    #expect(again.tokens == expected)
                    guard case .ended(let ended)? = again.last else { return }
                    #expect(ended.job == left.long && ended.tokens == expected)
                    let found = try await end(of: left.other, cluster.client)
                    #expect(found.ended?.tokens == whole)
                    let known = try await cluster.client.jobs().map(\.id)
                    #expect(known.contains(left.long) && known.contains(left.other))
                    #expect(Set(known).count == known.count)
                }
            }
        }
    }

    @Test("Who submits twice with one ticket gets one job, while it runs and after its end")
    func tickets() async throws {
        try await InProcessCluster.run(.demo(["alpha"])) { cluster in
            let client = cluster.client
            let first = try await submit(durable(120, ticket: "t"), to: client)
            let texts = try await withThrowingTaskGroup(of: [ClientMessage].self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        try await client.exchange(.submit(durable(120, ticket: "t"))) { message in
                            if case .ended = message { false } else { true }
                        }
                    }
                }
                return try await group.reduce(into: [[ClientMessage]]()) { $0.append($1) }
            }
            let late = try await client.exchange(.submit(durable(120, ticket: "t"))) { message in
                if case .ended = message { false } else { true }
            }
            let expected = try Demo.tokens(count: 120)
            for messages in texts + [late] {
                guard case .accepted(let accepted)? = messages.first else {
                    Issue.record("\(messages)")
                    continue
                }
                #expect(accepted.job == first.job && accepted.tag == 5)
                #expect(messages.tokens == expected)
            }
            #expect(try await client.jobs().count == 1)
        }
    }

    @Test("A durable job can be cancelled, also while it waits for the next life")
    func cancels() async throws {
        try await InProcessCluster.prepare(.demo(["alpha"])) { cluster in
            // Nobody computes here.
            let job = try await cluster.running([cluster.coordinator()]) {
                try await submit(durable(10), to: cluster.client).job
            }
            try await cluster.running([cluster.coordinator()]) {
                try await cluster.client.status { $0.jobsQueued == 1 }
                _ = try await cluster.client.exchange(.cancel(Cancel(job: job))) { _ in false }
                let found = try await end(of: job, cluster.client)
                #expect(found.ended?.outcome == .cancelled && found.job?.state == .cancelled)
            }
        }
    }

    @Test("A full queue says when to try again")
    func fullQueue() async throws {
        let few = ["coordinator.running-jobs": "1", "coordinator.queued-jobs": "0"]
        try await InProcessCluster.prepare(.demo(["alpha"], settings: few)) { cluster in
            try await cluster.running([cluster.coordinator()]) {
                _ = try await submit(durable(10), to: cluster.client)
                let ended = try await cluster.client.run(durable(10))
                #expect(ended.outcome == .failed && ended.retryAfter == .seconds(1))
                #expect(ended.message.contains("queue"))
            }
        }
    }

    @Test("Who submits twice hears of the first job, though it waits for room in the next life")
    func fullQueueKnowsTickets() async throws {
        @Sendable func limits(_ running: Int, _ queued: Int) -> InProcessCluster.Setup {
            let settings = [
                "coordinator.running-jobs": "\(running)", "coordinator.queued-jobs": "\(queued)",
            ]
            return .demo(["alpha"], settings: settings)
        }
        try await InProcessCluster.prepare(limits(1, 1)) { cluster in
            // Nobody computes here.
            let (first, second) = try await cluster.running([cluster.coordinator()]) {
                let first = try await submit(durable(10, ticket: "first"), to: cluster.client)
                let second = try await submit(durable(10, ticket: "second"), to: cluster.client)
                return (first.job, second.job)
            }
            let narrow = cluster.with(limits(1, 0))
            try await narrow.running([narrow.coordinator()]) {
                try await narrow.client.status { $0.jobsQueued + $0.jobsRunning == 1 }
                let stranger = try await narrow.client.run(durable(10, ticket: "third"))
                #expect(stranger.outcome == .failed && stranger.message.contains("queue"))
                async let again = submit(durable(10, ticket: "second"), to: narrow.client)
                _ = try await narrow.client.exchange(.cancel(Cancel(job: first))) { _ in false }
                #expect(try await again.job == second)
            }
        }
    }

    @Test("A damaged ledger is a refusal with a reason; all else is served, and the status says so")
    func damaged() async throws {
        try await InProcessCluster.prepare(.demo(["alpha"])) { cluster in
            try FileManager.default.createDirectory(
                atPath: cluster.stateDirectory,
                withIntermediateDirectories: true
            )
            let path = "\(cluster.stateDirectory)/jobs.sqlite"
            let text = Data(String(repeating: "no ledger ", count: 500).utf8)
            try text.write(to: URL(filePath: path))
            try await cluster.running([cluster.worker("alpha"), cluster.coordinator()]) {
                let status = try await cluster.client.status { !$0.ledgerTrouble.isEmpty }
                #expect(status.ledgerTrouble.contains(path))
                let refused = try await cluster.client.run(durable(10))
                #expect(refused.outcome == .failed && refused.retryAfter == nil)
                #expect(refused.message.contains("damaged"), "\(refused.message)")
                let served = try await cluster.client.generate(Demo.prompt, maximumTokens: 10)
                #expect(try served.tokens == Demo.tokens(count: 10))
                let found = try await end(of: "job-1-77", cluster.client)
                #expect(found.job == nil && found.trouble.contains("damaged"))
                #expect(try await !cluster.client.jobs().isEmpty)
            }
            #expect(try Data(contentsOf: URL(filePath: path)) == text)
        }
    }

    @Test("Another model's jobs are not answered by this one")
    func otherModel() async throws {
        try await InProcessCluster.prepare(.demo(["alpha"])) { cluster in
            let job = try await cluster.running([cluster.coordinator()]) {
                try await submit(durable(10), to: cluster.client).job
            }
            let path = "\(cluster.directory)/other.gguf"
            try TinyModel().write(to: path)
            var setup = cluster.setup
            setup.modelPath = path
            let next = cluster.with(setup)
            try await next.running([next.coordinator()]) {
                let found = try await end(of: job, next.client)
                #expect(found.ended?.outcome == .failed)
                #expect(found.ended?.message.contains("another model") == true)
            }
        }
    }
}

extension [ClientMessage] {
    /// All that was generated, in order.
    fileprivate var tokens: [Int32] {
        flatMap { message -> [Int32] in
            if case .tokens(let tokens) = message { tokens.tokens } else { [] }
        }
    }
}
