import ClusterTesting
import Foundation
import Model
import Placement
import Testing
import Wire

@Suite("moiety admin", .serialized, .timeLimit(.minutes(10)))
struct AdminCommandTests {
    private static func admin(
        _ cluster: ClusterOfProcesses,
        _ arguments: String...
    ) async throws -> Command {
        try await Command.run(
            ["admin"] + arguments + ["--coordinator", cluster.clientEndpoint]
        )
    }

    @Test("Plans are shown, applied, refused and remembered")
    func plans() async throws {
        let cluster = try ClusterOfProcesses()
        try await cluster.client.status { $0.isReady }
        let shown = try await Self.admin(cluster, "plan", "show")
        let plan = try Plan(json: Array(shown.output.utf8))
        #expect(shown.status == 0 && plan.expertCounts.allSatisfy { $0 > 0 })

        let path = "\(cluster.directory.path)-other.json"
        let layers = plan.layers.map { $0.map { _ in ExpertEntry.worker(1) } }
        let other = Plan(epoch: plan.epoch, workers: plan.workers, layers: layers)
        try Data(other.json()).write(to: URL(filePath: path))
        let applied = try await Self.admin(
            cluster,
            "plan",
            "apply",
            "--wait",
            "--json",
            "--bandwidth",
            "2GB/s",
            path
        )
        let report = try applied.object
        #expect(applied.status == 0 && report["outcome"] as? String == "done", "\(applied)")
        #expect(report["moves"] as? Int == plan.expertCounts[0])
        #expect((report["bytes"] as? Int ?? 0) > 0 && (report["epoch"] as? Int ?? 0) > 1)

        let again = try await Self.admin(cluster, "plan", "apply", path)
        #expect(again.status == 1 && again.errors.contains("already"), "\(again.errors)")
        let wrong = try await Self.admin(cluster, "plan", "apply", "--bandwidth", "fast", path)
        #expect(wrong.status != 0 && wrong.errors.contains("bandwidth"), "\(wrong.errors)")
        let history = try await Self.admin(cluster, "plan", "history")
        #expect(history.output.contains("asked for") && history.output.contains("done"))
        let lines = try await Self.admin(cluster, "plan", "history", "--json").output
        #expect(lines.split(separator: "\n").count == 2, "\(lines)")
    }

    @Test("A worker is drained, and may be given experts again")
    func drained() async throws {
        let cluster = try ClusterOfProcesses()
        try await cluster.client.status { $0.isReady }
        let drained = try await Self.admin(cluster, "drain", "--wait", "alpha")
        #expect(drained.status == 0, "\(drained.errors)")
        let nodes = try await cluster.client.nodes()
        #expect(nodes.first { $0.name.rawValue == "alpha" }?.expertCount == 0, "\(nodes)")
        #expect(nodes.contains { $0.message.contains("drained") }, "\(nodes)")
        let both = try await Self.admin(cluster, "drain", "beta")
        #expect(both.status == 1 && both.errors.contains("nobody else"), "\(both.errors)")
        let nobody = try await Self.admin(cluster, "drain", "gamma")
        #expect(nobody.status == 1 && nobody.errors.contains("no worker 'gamma'"))
        #expect(try await Self.admin(cluster, "undrain", "alpha").status == 0)
        #expect(try await cluster.client.nodes().allSatisfy { $0.message.isEmpty })
    }
}
