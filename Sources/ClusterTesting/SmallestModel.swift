import GGUF
public import Model
import Tensors

extension TinyModel {
    /// The contents of the smallest model of a family: some three kilobytes.
    ///
    /// Small enough to damage every bit of it and to use each damaged file. Weights are F32,
    /// because whole blocks of integers would be ten times larger, and the vocabulary is
    /// SentencePiece's, which needs no token for every byte.
    public static func smallest(
        of family: Architecture,
        seed: UInt64 = 1
    ) -> TinyModelContents {
        var recipe = TinyModel(family, seed: seed)
        recipe.layerCount = 1
        recipe.hiddenSize = 4
        recipe.headCount = 2
        recipe.keyValueHeadCount = 1
        recipe.keyLength = 2
        recipe.expertCount = 2
        recipe.expertsPerToken = 1
        recipe.expertWidth = 2
        recipe.sharedWidth = 2
        recipe.contextLength = 64
        recipe.expertType = .f32
        recipe.coreType = .f32
        var contents = recipe.contents()
        SmallestVocabulary.replaceVocabulary(of: &contents)
        return contents
    }
}

/// Seven tokens: unknown, begin, end, and four that merge.
private enum SmallestVocabulary {
    private static let tokens = ["<unk>", "<s>", "</s>", "\u{2581}", "a", "e", "\u{2581}a"]

    static func replaceVocabulary(of contents: inout TinyModelContents) {
        for entry in contents.metadata.entries where entry.key.hasPrefix("tokenizer.") {
            contents.metadata[entry.key] = nil
        }
        let prefix = "tokenizer.ggml."
        contents.metadata[prefix + "model"] = .text("llama")
        contents.metadata[prefix + "tokens"] = .array(.strings(GGUFStrings(tokens)))
        contents.metadata[prefix + "token_type"] = .array(.int32([2, 3, 3, 1, 1, 1, 1]))
        contents.metadata[prefix + "scores"] = .array(.float32([0, 0, 0, -2, -3, -4, -1]))
        contents.metadata[prefix + "bos_token_id"] = .uint32(1)
        contents.metadata[prefix + "eos_token_id"] = .uint32(2)
        contents.metadata[prefix + "unknown_token_id"] = .uint32(0)
        for name in ["token_embd.weight", "output.weight"] {
            guard var matrix = contents[name] else { continue }
            let rowByteCount = matrix.bytes.count / matrix.dimensions[1]
            matrix.dimensions[1] = tokens.count
            matrix.bytes.removeLast(matrix.bytes.count - tokens.count * rowByteCount)
            contents[name] = matrix
        }
    }
}
