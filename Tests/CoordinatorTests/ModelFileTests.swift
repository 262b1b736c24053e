import Cluster
import ClusterTesting
import Foundation
import GGUF
import Model
import Placement
import Storage
import Testing
import Wire

/// A worker computes with nothing but the bytes that the coordinator's digests name.
@Suite("A worker with other bytes computes nothing", .serialized, .timeLimit(.minutes(10)))
struct ModelFileTests {
    @Test("One changed byte of one expert is found, and that expert comes from the coordinator")
    func oneByte() async throws {
        let expert = ExpertID(layer: LayerIndex(5), index: 31)
        let spoilt = try Self.copySpoilt(at: expert)
        try await InProcessCluster.prepare(Self.setup) { cluster in
            let expected = try Demo.tokens(count: 12)
            let wrong = InProcessCluster.Worker("beta", modelPath: spoilt.path)
            let daemons = try cluster.daemons(leavingOut: 1) + [cluster.worker(wrong)]
            try await cluster.running(daemons) {
                try await cluster.client.status { $0.isReady }
                let ended = try await cluster.client.generate(Demo.prompt, maximumTokens: 12)
                #expect(ended.tokens == expected, "\(ended.message)")
                let digest = try WholeModel.demo.file.digest(of: expert)
                let kept = try cluster.cache.entries()
                #expect(kept.map(\.digest) == [digest], "nothing else was fetched")
            }
        }
    }

    @Test("What was hashed is remembered, and forgotten as soon as the file changes")
    func remembered() async throws {
        let expert = ExpertID(layer: LayerIndex(2), index: 31)
        let copy = try TemporaryFile("copy.gguf")
        try FileManager.default.copyItem(atPath: WholeModel.demoPath, toPath: copy.path)
        try await InProcessCluster.prepare(Self.setup) { cluster in
            let worker = InProcessCluster.Worker("beta", modelPath: copy.path)
            for life in 0..<3 {
                if life == 2 { try Self.spoil(copy.path, at: expert) }
                let daemons = try cluster.daemons(leavingOut: 1) + [cluster.worker(worker)]
                try await cluster.running(daemons) {
                    try await cluster.client.status { $0.isReady }
                    let ended = try await cluster.client.generate(Demo.prompt, maximumTokens: 12)
                    #expect(try ended.tokens == Demo.tokens(count: 12), "\(ended.message)")
                }
                let path = "\(cluster.directory)/beta/verified"
                let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
                #expect(lines.contains { $0.hasPrefix("2 30 ") })
                // In the last life it came from the coordinator.
                #expect(lines.contains { $0.hasPrefix("2 31 ") } == (life < 2))
            }
        }
    }

    @Test("A worker with another model stays outside until it has the right one")
    func otherModel() async throws {
        let tiny = try TinyModel().writeTemporary()
        try await InProcessCluster.prepare(Self.setup) { cluster in
            try await cluster.running(cluster.daemons(leavingOut: 1)) {
                let wrong = InProcessCluster.Worker("beta", modelPath: tiny.path)
                try await cluster.running([cluster.worker(wrong)]) {
                    try await cluster.client.nodes { nodes in
                        nodes.contains { $0.name.rawValue == "alpha" }
                    }
                    let ended = try await cluster.client.generate(Demo.prompt, maximumTokens: 4)
                    #expect(ended.outcome == .failed)
                    #expect(ended.message.contains("1 of 2 joined"), "\(ended.message)")
                }
                try await cluster.running([cluster.worker("beta")]) {
                    try await cluster.client.status { $0.isReady }
                }
            }
        }
    }

    /// Long enough for the right worker to join, short enough to be waited for.
    private static let setup = InProcessCluster.Setup.demo(
        ["alpha", "beta"],
        settings: ["coordinator.worker-wait": "3s"]
    )

    /// The demo model with one bit of the expert's gate matrix turned over.
    private static func copySpoilt(at expert: ExpertID) throws -> TemporaryFile {
        let copy = try TemporaryFile("spoilt.gguf")
        try FileManager.default.copyItem(atPath: WholeModel.demoPath, toPath: copy.path)
        try spoil(copy.path, at: expert)
        return copy
    }

    /// Turns one bit over in a copy of the demo model, in place.
    private static func spoil(_ path: String, at expert: ExpertID) throws {
        let model = try WholeModel.demo.file
        let name = "blk.\(expert.layer.rawValue).ffn_gate_exps.weight"
        let tensor = try #require(model.file.tensor(name))
        let size = tensor.byteCount / model.description.expertCount
        let place = UInt64(tensor.fileOffset + expert.index * size + size / 2)
        let handle = try FileHandle(forUpdating: URL(filePath: path))
        try handle.seek(toOffset: place)
        let byte = try #require(try handle.read(upToCount: 1)?.first)
        try handle.seek(toOffset: place)
        try handle.write(contentsOf: Data([byte ^ 1]))
        try handle.close()
    }
}
