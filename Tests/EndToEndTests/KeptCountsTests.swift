import ClusterTesting
import Foundation
import Testing
import Wire

/// What routers chose, over the lives of a coordinator that is a process.
@Suite("Counts outlive a coordinator that is killed", .serialized, .timeLimit(.minutes(10)))
struct KeptCountsTests {
    private static func cluster() throws -> ClusterOfProcesses {
        try ClusterOfProcesses(coordinatorOptions: ["--profile-save-interval", "1s"])
    }

    private static func counts(of cluster: ClusterOfProcesses) -> String {
        "\(cluster.directory.path)/counts"
    }

    private static func profile(of cluster: ClusterOfProcesses) async throws -> Profile {
        let command = try await Command.run(
            ["admin", "profile", "show", "--json", "--coordinator", cluster.clientEndpoint]
        )
        let object = try command.object
        let tasks = object["tasks"] as? [[String: Any]] ?? []
        return Profile(
            rows: try #require(object["rows"] as? Double),
            sampledSteps: try #require(object["sampled_steps"] as? Int),
            tasks: tasks.compactMap { $0["task"] as? String }
        )
    }

    private struct Profile {
        let rows: Double
        let sampledSteps: Int
        let tasks: [String]
    }

    private static func submit(to cluster: ClusterOfProcesses) async throws {
        try await cluster.client.status { $0.isReady }
        let result = try await Command.run(
            ["submit", "--wait", "--coordinator", cluster.clientEndpoint, "-p", "NAME", "-n", "30"]
                + ["--task", "manual"]
        )
        #expect(result.status == 0, "\(result.errors)")
    }

    private static func kill(_ cluster: ClusterOfProcesses) async {
        cluster.coordinator.kill(SIGKILL)
        #expect(await cluster.coordinator.ended() == -SIGKILL)
    }

    @Test("kill -9: the next life knows tasks, rows and steps, but none that are damaged")
    func killed() async throws {
        let cluster = try Self.cluster()
        try await Self.submit(to: cluster)
        let before = try await Self.profile(of: cluster)
        let path = Self.counts(of: cluster)
        try await ClusterProcess.wait { FileManager.default.fileExists(atPath: path) }
        await Self.kill(cluster)
        try cluster.startCoordinator()
        try await cluster.client.status { $0.isReady }
        let after = try await Self.profile(of: cluster)
        #expect(after.tasks == ["manual"])
        #expect(after.rows > 0 && after.rows <= before.rows + 1e-6)
        #expect(after.sampledSteps > 0 && after.sampledSteps <= before.sampledSteps)
        #expect(cluster.coordinator.logText.contains("Counts of the last life found"))

        await Self.kill(cluster)
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[bytes.count - 100] ^= 0x10
        try bytes.write(to: URL(filePath: path))
        try cluster.startCoordinator()
        try await cluster.client.status { $0.isReady }
        let damaged = try await Self.profile(of: cluster)
        #expect(damaged.rows == 0 && damaged.tasks.isEmpty && damaged.sampledSteps == 0)
        let log = cluster.coordinator.logText
        #expect(log.contains("Counts of the last life are not used: counting begins anew"))
        #expect(log.contains("its checksum is another one"), "\(log)")
    }

    @Test("What cannot be written is told once, hurts nobody, and is written once it can be")
    func unwritable() async throws {
        let cluster = try Self.cluster()
        // No file can take the place of a directory.
        let path = Self.counts(of: cluster)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try await Self.submit(to: cluster)
        let warning = "Counts cannot be written"
        try await ClusterProcess.wait { cluster.coordinator.logText.contains(warning) }
        try await Self.submit(to: cluster)
        try FileManager.default.removeItem(atPath: path)
        try await ClusterProcess.wait {
            cluster.coordinator.logText.contains("Counts are written again")
        }
        #expect(cluster.coordinator.logText.components(separatedBy: warning).count == 2)
        #expect(FileManager.default.fileExists(atPath: path))
        let names = try FileManager.default.contentsOfDirectory(atPath: cluster.directory.path)
        #expect(!names.contains { $0.hasPrefix("counts.part-") }, "\(names)")
    }
}
