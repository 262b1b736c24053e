import Cluster
import ClusterTesting
import Foundation
import GGUF
import Model
import Placement
import Testing
import Wire

/// A worker computes with nothing but the bytes that the coordinator's digests name.
@Suite("A worker with other bytes computes nothing", .serialized, .timeLimit(.minutes(3)))
struct ModelFileTests {
    @Test("One changed byte of one expert is found, said everywhere, and mended by the right file")
    func oneByte() async throws {
        let expert = ExpertID(layer: LayerIndex(5), index: 31)
        let spoilt = try Self.copySpoilt(at: expert)
        try await InProcessCluster.prepare(Self.setup) { cluster in
            let expected = try Demo.tokens(count: 12)
            try await cluster.running(cluster.daemons(leavingOut: 1)) {
                let wrong = InProcessCluster.Worker("beta", modelPath: spoilt.path)
                try await cluster.running([cluster.worker(wrong)]) {
                    let nodes = try await cluster.client.nodes { nodes in
                        nodes.contains { $0.state == "failed" }
                    }
                    let beta = try #require(nodes.first { $0.name.rawValue == "beta" })
                    #expect(beta.message.contains("\(expert)"), "\(beta.message)")
                    #expect(beta.message.contains("differs"), "\(beta.message)")

                    let status = try await cluster.client.status()
                    #expect(!status.isReady)
                    #expect(status.text.contains("beta"), "\(status.text)")
                    #expect(status.text.contains("\(expert)"), "\(status.text)")

                    let ended = try await cluster.client.generate(Demo.prompt, maximumTokens: 4)
                    #expect(ended.outcome == .failed)
                    #expect(ended.message.contains("beta"), "\(ended.message)")
                    #expect(ended.message.contains("differs"), "\(ended.message)")
                }
                try await cluster.running([cluster.worker("beta")]) {
                    try await cluster.client.status { $0.isReady }
                    let next = try await cluster.client.generate(Demo.prompt, maximumTokens: 12)
                    #expect(next.tokens == expected, "\(next.message)")
                }
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
        let model = try WholeModel.demo.file
        let name = "blk.\(expert.layer.rawValue).ffn_gate_exps.weight"
        let tensor = try #require(model.file.tensor(name))
        let size = tensor.byteCount / model.description.expertCount
        var bytes = try Data(contentsOf: URL(filePath: model.path))
        bytes[tensor.fileOffset + expert.index * size + size / 2] ^= 1
        let copy = try TemporaryFile("spoilt.gguf")
        try bytes.write(to: URL(filePath: copy.path))
        return copy
    }
}
