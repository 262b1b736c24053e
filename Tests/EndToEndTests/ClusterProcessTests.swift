import ClusterTesting
import Foundation
import Model
import Placement
import Synchronization
import Testing
import Wire

/// The daemons as processes of their own: killed, stopped, frozen, measured.
@Suite("Processes may die", .serialized, .timeLimit(.minutes(10)))
struct ClusterProcessTests {
    private static let prompt = "NAME\n       ls - "

    @Test("kill -9 of a worker in mid-job ends the job by name; restarted, the next is right")
    func killedWorker() async throws {
        let cluster = try ClusterOfProcesses(coordinatorOptions: ["--worker-wait", "5s"])
        let expected = try await Self.tokens(of: cluster)
        let beta = try cluster.worker("beta")
        let (ended, time) = try await Self.job(of: cluster, sending: SIGKILL, to: beta)
        #expect(ended.outcome == .failed)
        #expect(ended.message.contains("'beta'"), "\(ended.message)")
        print("kill -9 of a worker was told after \(time): \(ended.message)")
        #expect(await beta.ended() == -SIGKILL)
        // Its missing connection may have been told before its silence.
        try await cluster.client.status { !$0.isReady }

        try cluster.startWorker("beta")
        #expect(try await Self.tokens(of: cluster) == expected)
        #expect(cluster.coordinator.isRunning)
    }

    @Test("kill -9 of a worker and its restart in mid-job do not show in the job's tokens")
    func restartedWorker() async throws {
        let cluster = try ClusterOfProcesses()
        let expected = try await Self.greedyTokens(of: cluster) {}
        let tokens = try await Self.greedyTokens(of: cluster) {
            try cluster.worker("beta").kill(SIGKILL)
            try cluster.startWorker("beta")
        }
        #expect(tokens == expected)
    }

    @Test(
        "With a copy of every expert, kill -9 or SIGSTOP of a worker does not show in the tokens",
        arguments: [SIGKILL, SIGSTOP]
    )
    func copies(signal: Int32) async throws {
        let names = ["alpha", "beta", "gamma"]
        let cluster = try ClusterOfProcesses(workers: names, plan: Self.pairs(of: names))
        let expected = try await Self.greedyTokens(of: cluster) {}
        let start = ContinuousClock.now
        let tokens = try await Self.greedyTokens(of: cluster) {
            try cluster.worker("beta").kill(signal)
        }
        print("signal \(signal) in mid-job: it ended \(ContinuousClock.now - start) after it began")
        #expect(tokens == expected)
        let status = try await cluster.client.status { $0.text.contains("beta") }
        #expect(status.isReady, "\(status.text)")
        if signal == SIGSTOP { try cluster.worker("beta").kill(SIGCONT) }
    }

    @Test("Where others have memory, kill -9 of a worker for good does not show in the tokens")
    func recovered() async throws {
        let cluster = try ClusterOfProcesses(recoveryWait: "100ms")
        let expected = try await Self.greedyTokens(of: cluster) {}
        let tokens = try await Self.greedyTokens(of: cluster) {
            try cluster.worker("beta").kill(SIGKILL)
        }
        #expect(tokens == expected)
        try await cluster.client.status { $0.isReady && $0.text.contains("without beta") }
    }

    /// Each expert on two of the workers.
    private static func pairs(of names: [String]) throws -> Plan {
        let workers = names.compactMap(WorkerName.init(rawValue:))
        let layers = try WholeModel.demo.description.expertCounts.map { count in
            (0..<count).map {
                ExpertEntry.replicas(
                    [$0 % workers.count, ($0 + 1) % workers.count].sorted()
                )
            }
        }
        return Plan(epoch: Epoch(rawValue: 1), workers: workers, layers: layers)
    }

    @Test("SIGSTOP of a worker in mid-job ends the job by name; continued, the next is right")
    func frozenWorker() async throws {
        let cluster = try ClusterOfProcesses(coordinatorOptions: ["--worker-wait", "5s"])
        let expected = try await Self.tokens(of: cluster)
        let before = try await cluster.client.nodes()
        let beta = try cluster.worker("beta")
        let (ended, time) = try await Self.job(of: cluster, sending: SIGSTOP, to: beta)
        #expect(ended.outcome == .failed)
        #expect(ended.message.contains("'beta'"), "\(ended.message)")
        let nodes = try await cluster.client.nodes()
        #expect(nodes.contains { $0.message.contains("last heard of") }, "\(nodes)")
        print("SIGSTOP of a worker was told after \(time): \(ended.message)")

        beta.kill(SIGCONT)
        #expect(try await Self.tokens(of: cluster) == expected)
        let after = try await cluster.client.nodes()
        #expect(after.map(\.incarnation) == before.map(\.incarnation), "it went on with its life")
        let loads = beta.logText.components(separatedBy: "Loading experts")
        #expect(loads.count == 2, "it loaded once")
    }

    @Test("A coordinator that is killed and restarted finds its workers with their experts")
    func killedCoordinator() async throws {
        let cluster = try ClusterOfProcesses()
        let expected = try await Self.tokens(of: cluster)
        let before = try await cluster.client.nodes()
        cluster.coordinator.kill(SIGKILL)
        #expect(await cluster.coordinator.ended() == -SIGKILL)

        let start = ContinuousClock.now
        try cluster.startCoordinator()
        #expect(try await Self.tokens(of: cluster) == expected)
        print("a restarted coordinator served after \(ContinuousClock.now - start)")
        let after = try await cluster.client.nodes()
        #expect(after.map(\.incarnation) == before.map(\.incarnation))
        #expect(after.map(\.epoch) == before.map(\.epoch))
        for name in ["alpha", "beta"] {
            let loads = try cluster.worker(name).logText.components(separatedBy: "Loading experts")
            #expect(loads.count == 2, "\(name) loaded once")
        }
    }

    @Test("SIGTERM ends a worker and the coordinator cleanly, in mid-job too")
    func terminated() async throws {
        let cluster = try ClusterOfProcesses(coordinatorOptions: ["--worker-wait", "5s"])
        _ = try await Self.tokens(of: cluster)
        let beta = try cluster.worker("beta")
        let (ended, _) = try await Self.job(of: cluster, sending: SIGTERM, to: beta)
        #expect(ended.outcome == .failed)
        #expect(ended.message.contains("beta"), "\(ended.message)")
        #expect(await beta.ended() == 0)
        let nodes = try await cluster.client.nodes()
        #expect(nodes.contains { $0.message.contains("said goodbye") }, "\(nodes)")

        try cluster.startWorker("beta")
        let coordinator = cluster.coordinator
        let (last, _) = try await Self.job(of: cluster, sending: SIGTERM, to: coordinator)
        #expect(last.outcome == .failed)
        #expect(last.message.contains("shutting down"), "\(last.message)")
        #expect(await cluster.coordinator.ended() == 0)
        // A worker without a coordinator waits for the next one, and ends as cleanly.
        try cluster.worker("alpha").kill(SIGTERM)
        #expect(try await cluster.worker("alpha").ended() == 0)
    }

    @Test("SIGTERM ends a coordinator that hashes a large model for the first time, at once")
    func terminatedWhileHashing() async throws {
        let model = try SparseModel.write()
        let cluster = try ClusterOfProcesses(model: model.path, workers: ["alpha"])
        let coordinator = cluster.coordinator
        let hashes = "Hashing the model's experts"
        try await ClusterProcess.wait { coordinator.logText.contains(hashes) }
        coordinator.kill(SIGTERM)
        #expect(await coordinator.ended() == 0, "\(coordinator.logText)")
        let log = coordinator.logText
        #expect(!log.contains("Model opened"), "it gave the rest up: \(log)")
        #expect(!FileManager.default.fileExists(atPath: "\(cluster.directory.path)/digests"))
    }

    @Test("Who waits for a cluster waits for its coordinator, too")
    func waiting() async throws {
        let cluster = try ClusterOfProcesses()
        cluster.coordinator.kill(SIGKILL)
        _ = await cluster.coordinator.ended()
        let endpoint = cluster.clientEndpoint
        async let waiting = Command.run(["status", "--wait", "60", "--coordinator", endpoint])
        try cluster.startCoordinator()
        #expect(try await waiting.status == 0)
    }

    @Test("Processes with different instruction sets answer alike")
    func instructionSets() async throws {
        let plain = try ClusterOfProcesses(workers: ["alpha"])
        let expected = try await Self.tokens(of: plain)
        let mixed = try ClusterOfProcesses(instructionSets: ["alpha": "scalar"])
        #expect(try await Self.tokens(of: mixed) == expected)
        let nodes = try await mixed.client.nodes()
        #expect(Set(nodes.map(\.instructionSet)).contains("scalar"))
    }

    // MARK: Common steps

    /// The greedy answer to a short job, once the cluster is ready.
    static func tokens(of cluster: ClusterOfProcesses) async throws -> [Int32] {
        try await cluster.client.status { $0.isReady }
        let ended = try await cluster.client.generate(prompt, maximumTokens: 12)
        #expect(ended.outcome == .completed, "\(ended.message)")
        return ended.tokens
    }

    /// The greedy answer to a job of some length, with a strike in the middle of it.
    private static func greedyTokens(
        of cluster: ClusterOfProcesses,
        strike: () throws -> Void
    ) async throws -> [Int32] {
        let submit = Submit(
            tag: 1,
            prompt: prompt,
            maximumTokens: 500,
            sampling: SamplingRequest(temperature: 0)
        )
        let client = cluster.client
        try await client.status { $0.isReady }
        let hasTokens = Signal()
        async let job = client.run(submit, started: hasTokens)
        await hasTokens.wait()
        try strike()
        let ended = try await job
        #expect(ended.outcome == .completed, "\(ended.message)")
        return ended.tokens
    }

    /// Sends a signal in the middle of a long job.
    ///
    /// - Returns: how the job ended, and how long after the signal.
    private static func job(
        of cluster: ClusterOfProcesses,
        sending signal: Int32,
        to process: ClusterProcess
    ) async throws -> (Ended, Duration) {
        let client = cluster.client
        try await client.status { $0.isReady }
        let start = Mutex<ContinuousClock.Instant?>(nil)
        // By the thread that hears of tokens: a task may be woken when the job has ended.
        let ended = try await client.run(longJob) { _ in
            let isFirst = start.withLock { start in
                defer { start = start ?? .now }
                return start == nil
            }
            if isFirst { process.kill(signal) }
        }
        return (ended, ContinuousClock.now - (try #require(start.withLock { $0 })))
    }

    /// Fills the context unless something happens.
    private static var longJob: Submit {
        var sampling = SamplingRequest(temperature: 0)
        sampling.ignoresEnd = true
        return Submit(tag: 1, prompt: prompt, maximumTokens: 100_000, sampling: sampling)
    }
}
