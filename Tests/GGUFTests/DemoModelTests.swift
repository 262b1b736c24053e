import Foundation
import GGUF
import Tensors
import Testing

@Suite("The demo model")
struct DemoModelTests {
    static let path = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Models/moiety-demo-q8_0.gguf").path

    @Test("Its metadata, vocabulary and tensors are read")
    func opens() throws {
        let file = try GGUFFile.open(path: Self.path)
        #expect(file.version == 3)
        #expect(file.metadata.count == 29)
        #expect(try file.metadata.string("general.architecture") == "qwen3moe")
        #expect(try file.metadata.uint("qwen3moe.block_count") == 6)
        #expect(try file.metadata.float("qwen3moe.rope.freq_base") == 10000)
        #expect(try file.metadata.bool("tokenizer.ggml.add_bos_token"))
        #expect(try file.metadata.strings("tokenizer.ggml.tokens").count == 4096)
        #expect(try file.metadata.ints("tokenizer.ggml.token_type").prefix(4) == [3, 3, 3, 1])
        #expect(try file.metadata.strings("tokenizer.ggml.merges").count == 3837)
        #expect(file.tensors.count == 74)
        #expect(file.byteCount == 42_956_032)
    }

    @Test("One expert's slice of a layer is read alone")
    func slice() throws {
        let file = try GGUFFile.open(path: Self.path)
        let tensor = try #require(file.tensor("blk.3.ffn_gate_exps.weight"))
        #expect(tensor.dimensions == [256, 256, 32])
        #expect(tensor.type == .q8_0)
        let byteCount = tensor.byteCount / 32
        let slice = try file.read(tensor, from: 5 * byteCount, count: byteCount).array
        let whole = try file.read(tensor).array
        #expect(slice == Array(whole[5 * byteCount..<6 * byteCount]))
    }
}
