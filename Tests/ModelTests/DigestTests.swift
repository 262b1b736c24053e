import ClusterTesting
import Foundation
import GGUF
import Model
import Tensors
import Testing

@Suite("Telling models and experts apart")
struct DigestTests {
    @Test("The same recipe gives the same file")
    func recipesAreDeterministic() throws {
        let recipe = TinyModel(seed: 9)
        let (first, second) = (try recipe.writeTemporary(), try recipe.writeTemporary())
        #expect(
            try Data(contentsOf: URL(filePath: first.path))
                == Data(contentsOf: URL(filePath: second.path))
        )
        #expect(
            try recipe.modelFile().identity() == recipe.modelFile().identity()
        )
    }

    @Test("One changed byte of the header changes the identity")
    func headerByte() throws {
        let recipe = TinyModel(seed: 9)
        let before = try recipe.modelFile().identity()
        var contents = recipe.contents()
        contents.metadata["general.name"] = .text("tiny qwen3moe 8")
        let after = try contents.modelFile().identity()
        #expect(before.fileByteCount == after.fileByteCount)
        #expect(before.headerDigest != after.headerDigest)
    }

    @Test("Changed weights leave the identity, and change the digest of the experts they are in")
    func weightByte() throws {
        let recipe = TinyModel(seed: 9)
        var contents = recipe.contents()
        let name = "blk.1.ffn_up_exps.weight"
        var tensor = try #require(contents[name])
        let expertByteCount = tensor.bytes.count / recipe.expertCount
        tensor.bytes[5 * expertByteCount] ^= 1
        contents[name] = tensor
        let (before, after) = (try recipe.modelFile(), try contents.modelFile())
        #expect(try before.identity() == after.identity())
        for layer in 0..<2 {
            for index in 0..<recipe.expertCount {
                let id = ExpertID(layer: LayerIndex(layer), index: index)
                let same =
                    try ExpertDigest(of: before.expert(id)) == ExpertDigest(of: after.expert(id))
                #expect(same == (layer != 1 || index != 5), "\(id)")
            }
        }
    }

    @Test("An expert's digest is the SHA-256 of its gate, up and down bytes")
    func digestDefinition() throws {
        let contents = TinyModel(seed: 4).contents()
        let model = try contents.modelFile()
        let id = ExpertID(layer: LayerIndex(1), index: 3)
        let expert = try model.expert(id)
        let parts = try ["gate", "up", "down"].flatMap { part in
            let bytes = try #require(contents["blk.1.ffn_\(part)_exps.weight"]?.bytes)
            return bytes[3 * bytes.count / 8..<4 * bytes.count / 8]
        }
        let held = Bytes(count: parts.count) { span in
            for (index, byte) in parts.enumerated() {
                span.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
            }
        }
        let shape = MatrixShape(type: .i8, rowCount: 1, columnCount: parts.count)
        let copy = WeightMatrix(shape, bytes: held)
        let whole = FeedForwardWeights(gate: copy, up: copy, down: copy)
        #expect(ExpertDigest(of: whole) == ExpertDigest(of: expert))
        #expect(expert.byteCount == model.expertByteCount(LayerIndex(1)))
        #expect(expert.byteCount == parts.count)
    }
}
