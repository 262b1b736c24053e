import Cluster
import ClusterTesting
import Foundation
import Model
import Placement
import Storage
import Testing
import Wire

/// Workers as processes, with empty disks.
@Suite("A worker with an empty disk", .serialized, .timeLimit(.minutes(10)))
struct ChunkProcessTests {
    @Test("It is killed while experts come, goes on where it was, and next time has them all")
    func killed() async throws {
        let expected = try await ClusterProcessTests.tokens(of: ClusterOfProcesses())
        let total = try Self.expertByteCount
        // So slow that it is killed in the middle, whatever else this machine does.
        let cluster = try ClusterOfProcesses(
            workers: ["alpha"],
            withoutFile: ["alpha"],
            chunkBandwidth: "\(total / 100 / 1000)kB"
        )
        try await ClusterProcess.wait { try Self.byteCount(of: cluster) > total / 60 }
        try cluster.worker("alpha").kill(SIGKILL)
        _ = try await cluster.worker("alpha").ended()
        let left = try Self.byteCount(of: cluster)
        #expect(left < total)

        cluster.coordinator.kill(SIGKILL)
        _ = await cluster.coordinator.ended()
        try cluster.startCoordinator(chunkBandwidth: "0")
        try cluster.startWorker("alpha", hasFile: false)
        #expect(try await ClusterProcessTests.tokens(of: cluster) == expected)
        #expect(try Self.figure("bytesFetched", of: cluster) == total - left)
        #expect(try Self.byteCount(of: cluster) == total)
        print("killed with \(left) of \(total) bytes; the next life fetched \(total - left)")

        try await Self.restart(cluster)
        #expect(try await ClusterProcessTests.tokens(of: cluster) == expected)
        #expect(try Self.figure("bytesFetched", of: cluster) == 0)

        // One bit of one expert turns over on the disk.
        let entry = try #require(try Self.cache(of: cluster).entries().first)
        let path = "\(cluster.cachePath)/experts/\(entry.digest.hexadecimal)"
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[bytes.count - 1] ^= 128
        try bytes.write(to: URL(filePath: path))
        try await Self.restart(cluster)
        #expect(try await ClusterProcessTests.tokens(of: cluster) == expected)
        #expect(try Self.figure("bytesFetched", of: cluster) == entry.byteCount)
        #expect(try Self.figure("fallBacks", of: cluster) == 1)
        // And it stands where people look.
        let all = try Self.cache(of: cluster).entries().count
        try await cluster.client.nodes { nodes in
            let supply = nodes[0].supply
            return supply.fetched == 1 && supply.fallBacks == 1 && Int(supply.fromCache) == all - 1
        }
    }

    @Test("The coordinator is killed while experts come: they go on coming from its next life")
    func killedCoordinator() async throws {
        let total = try Self.expertByteCount
        let cluster = try ClusterOfProcesses(
            workers: ["alpha"],
            withoutFile: ["alpha"],
            chunkBandwidth: "\(total / 6 / 1_000_000)MB"
        )
        try await ClusterProcess.wait { try Self.byteCount(of: cluster) > total / 6 }
        cluster.coordinator.kill(SIGKILL)
        _ = await cluster.coordinator.ended()
        try cluster.startCoordinator(chunkBandwidth: "0")
        _ = try await ClusterProcessTests.tokens(of: cluster)
        #expect(try Self.figure("bytesFetched", of: cluster) == total, "each byte once")
        #expect(try Self.byteCount(of: cluster) == total)
    }

    @Test("Two workers that share a cache get the same experts, and one copy of each is kept")
    func shared() async throws {
        let cluster = try ClusterOfProcesses(
            workers: ["alpha", "beta"],
            plan: try .replicated(on: ["alpha", "beta"]),
            withoutFile: ["alpha", "beta"]
        )
        _ = try await ClusterProcessTests.tokens(of: cluster)
        try await cluster.client.nodes { nodes in nodes.allSatisfy { $0.state == "ready" } }
        #expect(try Self.byteCount(of: cluster) == Self.expertByteCount)
    }

    @Test("Jobs are computed while another worker's experts still come, slowly")
    func meanwhile() async throws {
        let expected = try await ClusterProcessTests.tokens(of: ClusterOfProcesses())
        let cluster = try ClusterOfProcesses(
            workers: ["alpha", "beta"],
            plan: try .replicated(on: ["alpha", "beta"]),
            withoutFile: ["beta"],
            chunkBandwidth: "100kB"
        )
        for _ in 0..<3 {
            #expect(try await ClusterProcessTests.tokens(of: cluster) == expected)
        }
        try await cluster.client.nodes { nodes in
            nodes.contains { $0.name.rawValue == "beta" && $0.state == "loading" }
        }
        // It gives up the load at once when it is told to end.
        try cluster.worker("beta").kill(SIGTERM)
        #expect(try await cluster.worker("beta").ended() == 0)
        #expect(try await ClusterProcessTests.tokens(of: cluster) == expected)
    }

    @Test("moiety cache shows, verifies and prunes what a worker kept")
    func commands() async throws {
        let cluster = try ClusterOfProcesses(workers: ["alpha"], withoutFile: ["alpha"])
        _ = try await ClusterProcessTests.tokens(of: cluster)
        let place = ["--cache-directory", cluster.cachePath, "--json"]
        let count = try Self.cache(of: cluster).entries().count
        let total = try Self.expertByteCount

        let listing = try await Self.run(["cache", "ls"] + place)
        let experts = try #require(listing["experts"] as? [[String: Any]])
        #expect(experts.count == count)
        #expect(experts.allSatisfy { $0["in_use"] as? Bool == true })
        #expect(listing["bytes"] as? Int == total)

        let verified = try await Self.run(["cache", "verify"] + place)
        #expect(verified["verified"] as? Int == count)

        let kept = try await Self.run(["cache", "prune", "--to", "0"] + place)
        #expect(kept["removed"] as? Int == 0, "a living worker needs it")
        try cluster.worker("alpha").kill(SIGKILL)
        _ = try await cluster.worker("alpha").ended()
        let pruned = try await Self.run(["cache", "prune", "--to", "1MB"] + place)
        #expect(pruned["removed"] as? Int ?? 0 > 0)
        #expect(pruned["bytes"] as? Int ?? .max <= 1_000_000)
        let left = try await Self.run(["cache", "ls"] + place)
        #expect(left["bytes"] as? Int == pruned["bytes"] as? Int)
    }

    // MARK: Steps

    private static func run(_ arguments: [String]) async throws -> [String: Any] {
        let result = try await Command.run(arguments)
        #expect(result.status == 0, "\(result.errors)")
        return try result.object
    }

    private static func restart(_ cluster: ClusterOfProcesses) async throws {
        try cluster.worker("alpha").kill(SIGKILL)
        _ = try await cluster.worker("alpha").ended()
        try cluster.startWorker("alpha", hasFile: false)
        let alpha = try cluster.worker("alpha")
        try await ClusterProcess.wait { alpha.logText.contains("Experts came") }
    }

    private static func cache(of cluster: ClusterOfProcesses) throws -> ExpertCache {
        try ExpertCache(path: cluster.cachePath, byteLimit: 1 << 40)
    }

    /// Bytes that workers keep, of experts that are not whole too.
    private static func byteCount(of cluster: ClusterOfProcesses) throws -> Int {
        try cache(of: cluster).entries().reduce(0) { $0 + $1.byteCount }
    }

    private static var expertByteCount: Int {
        get throws {
            let layout = try WholeModel.demo.file.layout
            return layout.expertCounts.enumerated().reduce(0) { total, layer in
                let expert = ExpertID(layer: LayerIndex(layer.offset), index: 0)
                return total + layer.element * (layout.byteCount(of: expert) ?? 0)
            }
        }
    }

    /// A figure of the line in which the worker tells where its experts came from.
    private static func figure(_ name: String, of cluster: ClusterOfProcesses) throws -> Int {
        let lines = try cluster.worker("alpha").logText.split(separator: "\n")
        let line = try #require(lines.last { $0.contains("Experts came") })
        let word = try #require(line.split(separator: " ").last { $0.hasPrefix("\(name)=") })
        return try #require(Int(word.dropFirst(name.count + 1)))
    }
}
