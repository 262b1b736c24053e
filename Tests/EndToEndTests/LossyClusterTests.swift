import Cluster
import ClusterTesting
import Foundation
import Placement
import Testing
import Wire

/// Workers that give accuracy for speed, with experts on disk.
@Suite("Clusters with lossy workers", .serialized, .timeLimit(.minutes(10)))
struct LossyClusterTests {
    private let large: LargeExperts

    init() async throws { large = try await LargeExperts() }

    private func cluster(
        _ mode: String,
        workers: [String] = ["alpha"],
        memory: String = "170MiB",
        coordinator: [String] = ["--lossy", "true"]
    ) throws -> ClusterOfProcesses {
        try ClusterOfProcesses(
            model: large.model.path,
            workers: workers,
            workerOptions: ["--memory", memory, "--lossy", mode, "--low-tier", "q3"],
            coordinatorOptions: coordinator
        )
    }

    private func submit(
        to cluster: ClusterOfProcesses,
        _ options: [String] = ["--attached", "--json"]
    ) async throws -> Command {
        try await cluster.client.status { $0.isReady }
        return try await Command.run(
            ["submit", "--coordinator", cluster.clientEndpoint, "-p", "a b c", "-n", "8"]
                + ["--temp", "0"] + options
        )
    }

    @Test("Answers say which part of them was not exact", arguments: ["resident", "hobbit"])
    func shares(mode: String) async throws {
        let cluster = try cluster(mode)
        let result = try await submit(to: cluster)
        #expect(result.status == 0, "\(result.errors)")
        let object = try result.object
        let low = try #require(object["low_share"] as? Double)
        let skipped = try #require(object["skipped_share"] as? Double)
        #expect(low >= 0 && skipped >= 0 && low + skipped <= 1)
        // The first prompt of all finds no expert in the high tier.
        #expect(mode == "hobbit" || (low > 0 && skipped == 0))
        let text = try await submit(to: cluster, ["--attached"])
        #expect(text.errors.contains("not exact: "), "\(text.errors)")
        let recorded = try await submit(to: cluster, ["--wait", "--json"]).object
        let id = try #require(recorded["job"] as? String)
        let known = try await Command.run(
            ["job", id, "--json", "--coordinator", cluster.clientEndpoint]
        )
        #expect(try known.object["low_share"] as? Double == recorded["low_share"] as? Double)
        #expect(recorded["low_share"] != nil)
        let place = ["--coordinator", cluster.clientEndpoint]
        try await cluster.client.nodes { $0.allSatisfy { $0.supply.storedUses > 0 } }
        let nodes = try await Command.run(["nodes"] + place)
        #expect(nodes.output.contains("\(mode) q3"), "\(nodes.output)")
        let nodesObject = try await Command.run(["nodes", "--json"] + place).object
        let node = try #require((nodesObject["nodes"] as? [[String: Any]])?.first)
        #expect(node["lossy"] as? String == mode && node["low_tier"] as? String == "q3")
        try await checkStatus(of: cluster, mode)
        let stored = (node["supply"] as? [String: Any])?["stored"] as? [String: Any]
        let tiers = try #require(stored?["tiers"] as? [String: [String: Int]])
        #expect(tiers["high"]?["uses"] ?? 0 > 0)
        #expect(tiers["low"]?["hits"] ?? .max <= tiers["low"]?["uses"] ?? 0)
        let resident = try cluster.worker("alpha").residentByteCount()
        #expect(Double(resident) <= 1.02 * Double(170 << 20), "\(resident >> 20) MiB")
    }

    /// Status and doctor say which worker is lossy, and how.
    private func checkStatus(of cluster: ClusterOfProcesses, _ mode: String) async throws {
        let place = ["--coordinator", cluster.clientEndpoint]
        let status = try await Command.run(["status"] + place)
        #expect(status.output.contains("alpha (\(mode) q3)"), "\(status.output)")
        let object = try await Command.run(["status", "--json"] + place).object
        let lossy = try #require(object["lossy"] as? [[String: String]])
        #expect(lossy == [["worker": "alpha", "mode": mode, "low_tier": "q3"]])
        let doctor = try await Command.run(["doctor", "coordinator", "--json"] + place)
        let findings = try #require(try doctor.object["findings"] as? [[String: Any]])
        let accuracy = try #require(findings.first { $0["topic"] as? String == "accuracy" })
        #expect(accuracy["state"] as? String == "ok")
        #expect((accuracy["text"] as? String)?.contains("alpha (\(mode) q3)") == true)
    }

    @Test("perplexity and logits say which part of them was not exact")
    func evaluations() async throws {
        let cluster = try cluster("resident")
        try await cluster.client.status { $0.isReady }
        let text = try TemporaryFile("text")
        try Data(String(repeating: "a b c ", count: 40).utf8).write(to: URL(filePath: text.path))
        let place = ["-m", large.model.path, "--coordinator", cluster.clientEndpoint]
        for command in [
            ["perplexity", "-f", text.path, "-c", "32"], ["logits", "--tokens", "1,2,3"],
        ] {
            let result = try await Command.run(command + place + ["--json"])
            #expect(result.status == 0, "\(result.errors)")
            let object = try result.object
            #expect(try #require(object["low_share"] as? Double) > 0)
            #expect(object["skipped_share"] as? Double == 0)
            let told = try await Command.run(command + place)
            #expect((told.output + told.errors).contains("not exact: "), "\(told.errors)")
            let alone = try await Command.run(command + ["-m", large.model.path, "--json"])
            #expect(try alone.object["low_share"] == nil)
        }
    }

    @Test("Two workers keep their halves in few bits, and a lost one's comes to the other")
    func halves() async throws {
        let cluster = try ClusterOfProcesses(
            model: large.model.path,
            recoveryWait: "0s",
            workerOptions: ["--memory", "150MiB", "--lossy", "resident", "--low-tier", "q3"],
            coordinatorOptions: ["--lossy", "true"]
        )
        let first = try await submit(to: cluster)
        #expect(first.status == 0, "\(first.errors)")
        try cluster.worker("beta").kill(SIGKILL)
        try await cluster.client.nodes { nodes in
            nodes.contains { $0.name.rawValue == "alpha" && $0.expertCount == 64 }
        }
        let second = try await submit(to: cluster)
        #expect(second.status == 0, "\(second.errors)")
        #expect(try second.object["low_share"] as? Double != nil)
        let resident = try cluster.worker("alpha").residentByteCount()
        #expect(Double(resident) <= 1.02 * Double(150 << 20), "\(resident >> 20) MiB")
    }

    @Test("A coordinator that gives exact answers sends lossy workers away, and both say why")
    func refused() async throws {
        let cluster = try cluster("resident", coordinator: ["--worker-wait", "5s"])
        let status = ["status", "--json", "--coordinator", cluster.clientEndpoint]
        #expect(try await Command.run(status).object["lossy"] as? [[String: String]] == [])
        for process in [cluster.coordinator, try cluster.worker("alpha")] {
            try await ClusterProcess.wait {
                process.logText.contains("worker 'alpha' is lossy (worker.lossy is resident)")
            }
        }
        let ended = try await cluster.client.generate("a b c", maximumTokens: 2)
        #expect(ended.outcome == .failed && ended.message.contains("no complete cluster"))
    }

    @Test("Where everything fits, lossy workers answer as exact ones do")
    func fitting() async throws {
        let exact = try await Command.run(large.run)
        let cluster = try cluster("resident", memory: "1GiB")
        let result = try await submit(to: cluster)
        #expect(result.status == 0, "\(result.errors)")
        #expect(try result.object["low_share"] as? Double == 0)
        #expect(
            try result.object["tokens"] as? [Int] == (try exact.object["tokens"] as? [Int])
        )
    }

    @Test("A worker is not lossy without a bound on its memory, nor in a way that it has not")
    func settings() async throws {
        func run(_ options: [String]) async throws -> Command {
            try await Command.run(
                ["--model", large.model.path, "--name", "alpha"] + options,
                program: "moiety-worker"
            )
        }
        let unbounded = try await run(["--lossy", "hobbit"])
        #expect(unbounded.status == 78)
        #expect(unbounded.errors.contains("given together with worker.memory"))
        let emoe = try await run(["--memory", "1GiB", "--lossy", "emoe"])
        #expect(emoe.status == 78 && emoe.errors.contains("moiety run --lossy emoe"))
    }
}
