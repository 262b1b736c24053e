import GGUF
import Model
import Tokenizer

extension TinyModel {
    /// The keys that files of the family have.
    var metadata: GGUFMetadata {
        var metadata = GGUFMetadata(path: "")
        metadata["general.architecture"] = .text(architecture.name)
        metadata["general.name"] = .text("tiny \(architecture.name) \(seed)")
        let prefix = architecture.name + "."
        let numbers = [
            "block_count": layerCount,
            "context_length": contextLength,
            "embedding_length": hiddenSize,
            "attention.head_count": headCount,
            "attention.head_count_kv": keyValueHeadCount,
            "attention.key_length": keyLength,
            "attention.value_length": keyLength,
            "expert_count": expertCount,
            "expert_used_count": expertsPerToken,
            "expert_feed_forward_length": expertWidth,
        ]
        for (key, number) in numbers.sorted(by: { $0.key < $1.key }) {
            metadata[prefix + key] = .uint32(UInt32(clamping: number))
        }
        metadata[prefix + "attention.layer_norm_rms_epsilon"] = .float32(1e-6)
        metadata[prefix + "rope.freq_base"] = .float32(10000)
        TinyVocabulary.add(to: &metadata)
        return metadata
    }
}

/// A byte-level vocabulary: the 256 bytes, two control tokens, a few merges.
public enum TinyVocabulary {
    public static let bos: Int32 = 256
    public static let eos: Int32 = 257
    private static let merges = ["h e", "l l", "he ll", "i n", "t h", "th e"]
    public static let tokenCount = 258 + merges.count

    /// How byte-level vocabularies spell bytes.
    private static let letters = ByteAlphabet.characters.map { String($0) }

    static func add(to metadata: inout GGUFMetadata) {
        let tokens =
            letters + ["<|bos|>", "<|eos|>"] + merges.map { $0.filter { $0 != " " } }
        let types = tokens.indices.map { Int32($0 == Int(bos) || $0 == Int(eos) ? 3 : 1) }
        metadata["tokenizer.ggml.model"] = .text("gpt2")
        metadata["tokenizer.ggml.pre"] = .text("qwen2")
        metadata["tokenizer.ggml.tokens"] = .array(.strings(GGUFStrings(tokens)))
        metadata["tokenizer.ggml.token_type"] = .array(.int32(types))
        metadata["tokenizer.ggml.merges"] = .array(.strings(GGUFStrings(merges)))
        metadata["tokenizer.ggml.bos_token_id"] = .uint32(UInt32(bos))
        metadata["tokenizer.ggml.eos_token_id"] = .uint32(UInt32(eos))
        metadata["tokenizer.ggml.add_bos_token"] = .bool(false)
    }
}
