import Cluster
import ClusterTesting
import Foundation
import Model
import Placement
import Storage
import Testing
import Wire

/// Workers that nobody copied a model to.
@Suite("Experts come to workers that have no file", .serialized, .timeLimit(.minutes(10)))
struct ChunkTests {
    private static let names = ["alpha", "beta"]

    @Test("Two workers with nothing get what they need, and only that, and answer alike")
    func nothing() async throws {
        try await InProcessCluster.run(Self.setup()) { cluster in
            try await Self.expectTokens(of: cluster)
            #expect(try cluster.wholeExperts == Self.allExperts)
            let status = try await cluster.client.status()
            let socket = try #require(status.sockets.first { $0.name == "chunks" })
            #expect(socket.connectionsAccepted == 2)
            #expect(socket.drops.total == 0, "\(socket.drops)")
        }
    }

    @Test("The next life takes all from the cache; what is damaged there is fetched, nothing else")
    func nextLife() async throws {
        try await InProcessCluster.prepare(Self.setup()) { cluster in
            try await cluster.running(cluster.allDaemons()) {
                try await Self.expectTokens(of: cluster)
            }
            let damaged = try #require(try Self.allExperts.min { $0.hexadecimal < $1.hexadecimal })
            let path = "\(cluster.cacheDirectory)/experts/\(damaged.hexadecimal)"
            var bytes = try Data(contentsOf: URL(filePath: path))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(filePath: path))
            // A second expert would take an hour at this rate.
            let slow = cluster.with(Self.setup(settings: ["coordinator.chunk-bandwidth": "1"]))
            try await slow.running(slow.allDaemons()) { try await Self.expectTokens(of: slow) }
            for digest in try Self.allExperts { #expect(try cluster.cache.verify(digest) == true) }
        }
    }

    @Test(
        "A cache with room for a part, or for nothing, is no reason not to serve",
        arguments: ["1MB", "0"]
    )
    func smallCache(size: String) async throws {
        let setup = Self.setup(worker: ["worker.cache-size": size])
        try await InProcessCluster.run(setup) { cluster in
            try await Self.expectTokens(of: cluster)
            let kept = try cluster.cache.entries().reduce(0) { $0 + $1.byteCount }
            #expect(kept <= 1_000_000)
            #expect((kept > 0) == (size != "0"))
        }
    }

    @Test("A cache directory that cannot be made is no reason not to serve")
    func noCache() async throws {
        let setup = Self.setup(worker: ["worker.cache-directory": "/dev/null/cache"])
        try await InProcessCluster.run(setup) { try await Self.expectTokens(of: $0) }
    }

    @Test("A file in a directory that machines share is found by what it is, not by its name")
    func sharedDirectory() async throws {
        let shared = try TemporaryFile("models")
        try FileManager.default.createDirectory(
            atPath: shared.path,
            withIntermediateDirectories: true
        )
        let tiny = try TinyModel().writeTemporary()
        let files = [
            ("a.gguf", tiny.path), ("b.gguf", "/dev/zero"), ("z.gguf", WholeModel.demoPath),
        ]
        for (name, target) in files {
            try FileManager.default.createSymbolicLink(
                atPath: "\(shared.path)/\(name)",
                withDestinationPath: target
            )
        }
        let setup = Self.setup(worker: ["worker.model-directory": shared.path])
        try await InProcessCluster.run(setup) { cluster in
            try await Self.expectTokens(of: cluster)
            #expect(!ExpertCache.exists(at: cluster.cacheDirectory), "nothing was fetched")
        }
    }

    @Test("Shards of experts come the same way")
    func shards() async throws {
        var setup = Self.setup()
        let workers = Self.names.compactMap(WorkerName.init(rawValue:))
        setup.plan = try Self.halves(of: workers)
        var withFiles = setup
        withFiles.workers = Self.names.map { InProcessCluster.Worker($0) }
        let expected = try await InProcessCluster.run(withFiles) { try await Self.tokens(of: $0) }
        let found = try await InProcessCluster.run(setup) { try await Self.tokens(of: $0) }
        #expect(found == expected)
    }

    // MARK: Steps

    private static func setup(
        settings: [String: String] = [:],
        worker: [String: String] = [:]
    ) -> InProcessCluster.Setup {
        var setup = InProcessCluster.Setup.demo(names, settings: settings)
        setup.workers = setup.workers.map { $0.withoutFile(worker) }
        return setup
    }

    /// Every expert in two halves, one for each worker.
    private static func halves(of workers: [WorkerName]) throws -> Plan {
        let model = try WholeModel.demo.description
        let width = try #require(model.expertWidth)
        let entry = ExpertEntry.shards([
            Shard(worker: 0, from: 0, to: width / 2), Shard(worker: 1, from: width / 2, to: width),
        ])
        return Plan(
            epoch: Epoch(rawValue: 1),
            workers: workers,
            layers: model.expertCounts.map { Array(repeating: entry, count: $0) }
        )
    }

    private static func tokens(of cluster: InProcessCluster) async throws -> [Int32] {
        try await cluster.client.status { $0.isReady }
        let ended = try await cluster.client.generate(Demo.prompt, maximumTokens: 12)
        #expect(ended.outcome == .completed, "\(ended.message)")
        return ended.tokens
    }

    private static func expectTokens(of cluster: InProcessCluster) async throws {
        #expect(try await tokens(of: cluster) == Demo.tokens(count: 12))
    }

    private static var allExperts: Set<ExpertDigest> {
        get throws {
            let file = try WholeModel.demo.file
            return try Set(
                file.description.expertCounts.enumerated().flatMap { layer, count in
                    try (0..<count).map {
                        try file.digest(of: ExpertID(layer: LayerIndex(layer), index: $0))
                    }
                }
            )
        }
    }
}

extension InProcessCluster {
    var cache: ExpertCache {
        get throws { try ExpertCache(path: cacheDirectory, byteLimit: 1 << 40) }
    }

    /// Hashes of what its workers' cache has whole.
    var wholeExperts: Set<ExpertDigest> {
        get throws {
            Set(try cache.entries().lazy.filter { $0.stage == .whole }.map(\.digest))
        }
    }

    func allDaemons() throws -> [Daemon] {
        try [coordinator()] + setup.workers.map { try worker($0) }
    }
}
