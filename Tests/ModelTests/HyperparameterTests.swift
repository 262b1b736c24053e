import ClusterTesting
import Foundation
import GGUF
import Inference
import Model
import Tensors
import Testing

@Suite("Hyper-parameters out of range")
struct HyperparameterTests {
    /// Keys of `qwen3moe`, and a word that the answer must have besides the key.
    static let badValues: [BadValue] = [
        BadValue("block_count", .uint32(0), "1 to"),
        BadValue("block_count", .uint32(1_000_000_000), "1000000000"),
        BadValue("block_count", .int32(-1), "-1"),
        BadValue("block_count", nil, "missing"),
        BadValue("block_count", .text("two"), "string"),
        BadValue("context_length", .uint32(0)),
        BadValue("context_length", .uint64(1 << 63), "9223372036854775808"),
        BadValue("context_length", nil),
        BadValue("embedding_length", .uint32(0)),
        BadValue("embedding_length", .uint64(.max)),
        BadValue("attention.head_count", .uint32(0)),
        BadValue("attention.head_count", .array(.uint32([4, 4])), "array"),
        BadValue("attention.head_count_kv", .uint32(3), "divisor"),
        BadValue("attention.head_count_kv", .uint32(8), "divisor"),
        BadValue("attention.head_count_kv", .uint32(0)),
        BadValue("attention.key_length", .uint32(0)),
        BadValue("attention.key_length", .uint32(.max)),
        BadValue("attention.value_length", .uint32(0)),
        BadValue("attention.layer_norm_rms_epsilon", .float32(.nan)),
        BadValue("attention.layer_norm_rms_epsilon", .float32(.infinity)),
        BadValue("attention.layer_norm_rms_epsilon", .float32(-1e-6)),
        BadValue("attention.layer_norm_rms_epsilon", .float32(0)),
        BadValue("attention.layer_norm_rms_epsilon", nil),
        BadValue("attention.clamp_kqv", .float32(-1)),
        BadValue("expert_count", .uint32(0), "layer 0"),
        BadValue("expert_count", .uint32(1_000_000_000)),
        BadValue("expert_used_count", .uint32(0)),
        BadValue("expert_used_count", .uint32(9), "1 to 8"),
        BadValue("expert_used_count", nil),
        BadValue("expert_weights_scale", .float32(.nan)),
        BadValue("rope.dimension_count", .uint32(7), "even"),
        BadValue("rope.dimension_count", .uint32(64), "up to"),
        BadValue("rope.dimension_count", .uint32(0)),
        BadValue("rope.freq_base", .float32(0)),
        BadValue("rope.freq_base", .float32(1), "more than 1"),
        BadValue("rope.freq_base", .float32(.nan)),
        BadValue("rope.scaling.factor", .float32(0)),
    ]

    @Test("A bad value is refused with its key", arguments: badValues)
    func badValue(bad: BadValue) throws {
        let key = "qwen3moe." + bad.key
        let text = try #require(try refusal { $0.metadata[key] = bad.value }, "accepted")
        #expect(text.contains(key), "\(text)")
        for word in bad.words { #expect(text.contains(word), "\(text)") }
    }

    @Test("Heads that do not divide the hidden size need a key length")
    func headsDoNotDivide() throws {
        for heads: UInt32 in [3, 65, 1 << 20] {
            let text = try refusal { contents in
                contents.metadata["qwen3moe.attention.key_length"] = nil
                contents.metadata["qwen3moe.attention.head_count"] = .uint32(heads)
            }
            #expect(text?.contains("divisor of the hidden size 64") == true, "\(text ?? "")")
        }
    }

    @Test("What asks for arithmetic that is not built is refused by name")
    func unsupported() throws {
        let cases: [(String, GGUFValue, String)] = [
            ("attention.sliding_window", .uint32(512), "sliding_window"),
            ("expert_gating_func", .uint32(2), "gating function 2"),
            ("rope.scaling.type", .text("longrope"), "longrope"),
        ]
        for (key, value, word) in cases {
            let text = try refusal { $0.metadata["qwen3moe." + key] = value }
            #expect(text?.contains(word) == true, "\(key): \(text ?? "accepted")")
        }
    }

    @Test("Rope values whose angles would overflow are refused, whatever the scaling")
    func wildRope() throws {
        let keys: [[(String, GGUFValue)]] = [
            [("type", .text("linear")), ("factor", .float32(1e-38))],
            [("type", .text("yarn")), ("factor", .float32(1e-38))],
            [
                ("type", .text("yarn")), ("yarn_ext_factor", .float32(3e38)),
                ("factor", .float32(4)),
            ],
            [("type", .text("yarn")), ("attn_factor", .float32(3e38)), ("factor", .float32(4))],
        ]
        for changes in keys {
            let text = try refusal { contents in
                for (key, value) in changes {
                    contents.metadata["qwen3moe.rope.scaling." + key] = value
                }
            }
            #expect(text?.contains("rope.scaling") == true, "\(changes): \(text ?? "accepted")")
        }
    }

    @Test("Rope factors are checked: shape, type, sign")
    func ropeFactors() throws {
        func answer(_ factors: [Float], count: Int = 16) throws -> String? {
            try refusal { contents in
                var tensor = TinyModelContents.Tensor.zeros("rope_freqs.weight", .f32, [count])
                tensor.bytes = factors.flatMap { value in
                    (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
                }
                contents["rope_freqs.weight"] = tensor
            }
        }
        let ones = Array(repeating: Float(1), count: 16)
        #expect(try answer(ones) == nil)
        for bad: Float in [0, -1, .nan, .infinity, 1e-30] {
            #expect(try answer(ones.dropLast() + [bad])?.contains("rope") == true, "\(bad)")
        }
        #expect(try answer(ones + [1], count: 17)?.contains("[16]") == true)
    }

    @Test("A flipped bit in metadata or tensor table never crashes a reader")
    func flippedBits() throws {
        var recipe = TinyModel()
        recipe.layerCount = 1
        let file = try recipe.writeTemporary()
        let bytes = try Array(Data(contentsOf: URL(filePath: file.path)))
        let header = try GGUFFile.open(path: file.path).parts[0].headerByteCount
        var random = SeededRandom(seed: 20)
        for _ in 0..<1500 {
            var flipped = bytes
            let place = Int.random(in: 0..<header, using: &random)
            flipped[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            try Data(flipped).write(to: URL(filePath: file.path))
            _ = try? ModelFile(path: file.path).vocabulary()
        }
    }
}
