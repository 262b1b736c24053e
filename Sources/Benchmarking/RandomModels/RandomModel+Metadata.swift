import GGUF
import Tensors

extension RandomModel {
    /// The keys that files of the family have.
    static func metadata(of recipe: ModelRecipe) -> GGUFMetadata {
        var metadata = GGUFMetadata(path: "")
        metadata["general.architecture"] = .text("qwen3moe")
        metadata["general.name"] = .text(name(of: recipe))
        metadata["general.file_type"] = .uint32(fileType(of: recipe.type))
        metadata["general.quantization_version"] = .uint32(2)
        let numbers = [
            ("block_count", recipe.layerCount),
            ("context_length", recipe.contextLength),
            ("embedding_length", recipe.hiddenSize),
            ("feed_forward_length", recipe.expertWidth * recipe.expertsPerToken),
            ("attention.head_count", recipe.headCount),
            ("attention.head_count_kv", recipe.keyValueHeadCount),
            ("attention.key_length", recipe.headLength),
            ("attention.value_length", recipe.headLength),
            ("rope.dimension_count", recipe.headLength),
            ("expert_count", recipe.expertCount),
            ("expert_used_count", recipe.expertsPerToken),
            ("expert_feed_forward_length", recipe.expertWidth),
            ("vocab_size", recipe.vocabularyCount),
        ]
        for (key, number) in numbers {
            metadata["qwen3moe.\(key)"] = .uint32(UInt32(clamping: number))
        }
        metadata["qwen3moe.attention.layer_norm_rms_epsilon"] = .float32(1e-6)
        metadata["qwen3moe.rope.freq_base"] = .float32(1e6)
        GeneratedVocabulary(count: recipe.vocabularyCount, seed: recipe.seed).add(to: &metadata)
        return metadata
    }

    private static func name(of recipe: ModelRecipe) -> String {
        let shape = "\(recipe.layerCount)x\(recipe.expertCount)x\(recipe.hiddenSize)"
        return "random \(shape) \(recipe.type.name) skew \(recipe.skew)"
    }

    /// How the format numbers files by the type of most of their tensors.
    private static func fileType(of type: ElementType) -> UInt32 {
        switch type {
        case .f16: 1
        case .q4_0: 2
        case .q8_0: 7
        case .q4_K: 14
        case .q6_K: 18
        case .bf16: 32
        default: 0
        }
    }
}
