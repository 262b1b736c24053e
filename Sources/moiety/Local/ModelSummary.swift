import GGUF
import Model
import Tensors

/// A model file in numbers; its coding keys are what `moiety model show --json` promises.
struct ModelSummary: Encodable {
    struct Sizes: Encodable {
        let contextLength, hiddenSize, vocabulary: Int
        let heads, keyValueHeads, keyLength, valueLength: Int

        enum CodingKeys: String, CodingKey {
            case contextLength = "context_length"
            case hiddenSize = "hidden_size"
            case vocabulary, heads
            case keyValueHeads = "key_value_heads"
            case keyLength = "key_length"
            case valueLength = "value_length"
        }
    }

    struct Experts: Encodable {
        let count, perToken, width, sharedWidth: Int
        /// Of all experts.
        let byteCount: Int
        /// Of the largest expert.
        let byteCountEach: Int

        enum CodingKeys: String, CodingKey {
            case count
            case perToken = "per_token"
            case width
            case sharedWidth = "shared_width"
            case byteCount = "bytes"
            case byteCountEach = "bytes_each"
        }
    }

    struct TokenizerFacts: Encodable {
        let model: String
        let pre: String?
        let tokens: Int
        let bos, eos: Int?
    }

    /// Tensors of one type.
    struct TypeCount: Encodable {
        let type: String
        let tensors: Int
        let byteCount: Int

        enum CodingKeys: String, CodingKey {
            case type, tensors
            case byteCount = "bytes"
        }
    }

    let path: String
    let name: String
    let architecture: String
    let formatVersion: Int
    let partCount: Int
    let byteCount: Int
    let layers: Int
    let layersWithExperts: Int
    let sizes: Sizes
    let experts: Experts
    let tokenizer: TokenizerFacts
    let types: [TypeCount]

    enum CodingKeys: String, CodingKey {
        case path, name, architecture, layers, sizes, experts, tokenizer, types
        case formatVersion = "gguf_version"
        case partCount = "parts"
        case byteCount = "bytes"
        case layersWithExperts = "layers_with_experts"
    }

    init(_ model: ModelFile) throws {
        let description = model.description
        path = model.path
        name = description.name
        architecture = description.architecture.name
        formatVersion = model.file.version
        partCount = model.file.parts.count
        byteCount = model.file.byteCount
        layers = description.layerCount
        layersWithExperts = description.layers.count(where: \.hasExperts)
        sizes = Sizes(description)
        experts = Experts(model)
        tokenizer = TokenizerFacts(try model.vocabulary())
        types = Self.types(of: model.file)
    }

    /// Largest first.
    private static func types(of file: GGUFFile) -> [TypeCount] {
        Dictionary(grouping: file.tensors, by: \.type.name)
            .map { name, tensors in
                TypeCount(
                    type: name,
                    tensors: tensors.count,
                    byteCount: tensors.reduce(0) { $0 + $1.byteCount }
                )
            }
            .sorted { ($1.byteCount, $0.type) < ($0.byteCount, $1.type) }
    }
}

extension ModelSummary.Sizes {
    fileprivate init(_ model: ModelDescription) {
        contextLength = model.contextLength
        hiddenSize = model.hiddenSize
        vocabulary = model.vocabularyCount
        heads = model.headCount
        keyValueHeads = model.keyValueHeadCount
        keyLength = model.keyLength
        valueLength = model.valueLength
    }
}

extension ModelSummary.Experts {
    fileprivate init(_ model: ModelFile) {
        let description = model.description
        let sizes = description.layers.indices.map { model.expertByteCount(LayerIndex($0)) }
        count = description.expertCount
        perToken = description.expertsPerToken
        width = description.layers.map(\.expertWidth).max() ?? 0
        sharedWidth = description.layers.map(\.sharedWidth).max() ?? 0
        byteCount = zip(sizes, description.expertCounts).reduce(0) { $0 + $1.0 * $1.1 }
        byteCountEach = sizes.max() ?? 0
    }
}

extension ModelSummary.TokenizerFacts {
    fileprivate init(_ vocabulary: Vocabulary) {
        model = vocabulary.model
        pre = vocabulary.preTokenizer
        tokens = vocabulary.tokens.count
        bos = vocabulary.bos
        eos = vocabulary.eos
    }
}
