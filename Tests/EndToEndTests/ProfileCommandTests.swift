import ClusterTesting
import Foundation
import Model
import Placement
import Testing
import Wire

@Suite("moiety admin profile, rebalance, and experts", .serialized, .timeLimit(.minutes(10)))
struct ProfileCommandTests {
    /// Nearly everything on one worker: any even plan is better.
    private static func lopsided() throws -> Plan {
        let workers = ["alpha", "beta"].compactMap(WorkerName.init(rawValue:))
        let counts = try WholeModel.demo.description.expertCounts
        return Plan(
            epoch: Epoch(rawValue: 1),
            workers: workers,
            layers: counts.map { count in (0..<count).map { .worker($0 == 0 ? 1 : 0) } }
        )
    }

    private static func moiety(
        _ cluster: ClusterOfProcesses,
        _ arguments: String...
    ) async throws -> Command {
        try await Command.run(arguments + ["--coordinator", cluster.clientEndpoint])
    }

    @Test("Counts and traces are written as files that moiety solve reads")
    func dump() async throws {
        let cluster = try ClusterOfProcesses()
        try await cluster.client.status { $0.isReady }
        let started = try await Self.moiety(cluster, "admin", "profile", "start", "--json")
        #expect(started.status == 0, "\(started.errors)")
        _ = try await Self.moiety(
            cluster,
            "submit",
            "--wait",
            "-p",
            "NAME",
            "-n",
            "30",
            "--task",
            "manual"
        )
        let stopped = try await Self.moiety(cluster, "admin", "profile", "stop")
        #expect(stopped.output.contains("of task manual"), "\(stopped.output)")
        let (profile, trace) = (
            "\(cluster.directory.path)-p.json", "\(cluster.directory.path)-t.trace"
        )
        let dumped = try await Self.moiety(
            cluster,
            "admin",
            "profile",
            "dump",
            profile,
            "--task",
            "manual",
            "--trace",
            trace
        )
        #expect(dumped.status == 0, "\(dumped.errors)")
        let counts = try Profile(json: Array(Data(contentsOf: URL(filePath: profile))))
        let steps = try RoutingTrace(bytes: Array(Data(contentsOf: URL(filePath: trace))))
        #expect(counts.task == "manual" && counts.expertCounts == steps.expertCounts)
        #expect(abs(counts.rows - Double(steps.rowCount)) < 0.1)
        let unknown = try await Self.moiety(
            cluster,
            "admin",
            "profile",
            "dump",
            profile,
            "--task",
            "nobody"
        )
        #expect(unknown.status == 1 && unknown.errors.contains("only manual"))
    }

    @Test("A lopsided cluster is rebalanced, and answers as before")
    func rebalance() async throws {
        let cluster = try ClusterOfProcesses(plan: try Self.lopsided())
        try await cluster.client.status { $0.isReady }
        let early = try await Self.moiety(cluster, "admin", "rebalance")
        #expect(early.status == 1 && early.errors.contains("sampled"), "\(early.errors)")
        let before = try await cluster.client.generate("NAME", maximumTokens: 60)
        let proposed = try await Self.moiety(
            cluster,
            "admin",
            "rebalance",
            "--dry-run",
            "--json",
            "--time-limit",
            "1",
            "--unmeasured"
        )
        #expect(proposed.status == 0, "\(proposed.errors)")
        let proposal = try proposed.object
        #expect(proposal["chosen"] is String && proposal["change"] == nil, "\(proposed.output)")
        // What is measured on a busy machine may speak for either plan.
        let measured = try await Self.moiety(cluster, "admin", "rebalance", "--time-limit", "1")
        #expect(measured.status == 0 && measured.output.contains("current"), "\(measured)")
        let changed = try await Self.moiety(
            cluster,
            "admin",
            "rebalance",
            "--yes",
            "--wait",
            "--json",
            "--time-limit",
            "1",
            "--unmeasured"
        )
        let change = try changed.object["change"] as? [String: Any]
        #expect(changed.status == 0 && change?["outcome"] as? String == "done", "\(changed)")
        let after = try await cluster.client.generate("NAME", maximumTokens: 60)
        #expect(before.tokens == after.tokens)
        let history = try await Self.moiety(cluster, "admin", "plan", "history")
        #expect(history.output.contains("rebalance: "), "\(history.output)")
    }

    @Test("Experts are listed with who holds them and how often they were chosen")
    func experts() async throws {
        let cluster = try ClusterOfProcesses(plan: try Self.lopsided())
        try await cluster.client.status { $0.isReady }
        _ = try await cluster.client.generate("NAME", maximumTokens: 10)
        let layer = try await Self.moiety(cluster, "experts", "--layer", "1")
        let lines = layer.output.split(separator: "\n")
        #expect(lines.count == 1 + (try WholeModel.demo.description.expertCount))
        #expect(lines[1].hasSuffix("beta") && lines[2].hasSuffix("alpha"), "\(layer.output)")
        let all = try await Self.moiety(cluster, "experts", "--json").object
        let layers = all["layers"] as? [[String: Any]] ?? []
        let shares = (layers.first?["experts"] as? [[String: Any]] ?? [])
            .compactMap { $0["share"] as? Double }
        let topK = Double(try WholeModel.demo.description.expertsPerToken)
        #expect(abs(shares.reduce(0, +) - topK) < 1e-3)
        let none = try await Self.moiety(cluster, "experts", "--layer", "99")
        #expect(none.status == 64 && none.errors.contains("no layer 99"))
    }
}
