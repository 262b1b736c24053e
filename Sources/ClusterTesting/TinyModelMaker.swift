import GGUF
import Model
import Tensors

/// Makes the contents of a tiny model, drawing all weights from one seeded generator.
struct TinyModelMaker {
    private let recipe: TinyModel
    private var random: SeededRandom
    private var contents: TinyModelContents

    init(_ recipe: TinyModel) {
        self.recipe = recipe
        random = SeededRandom(seed: recipe.seed)
        contents = TinyModelContents(metadata: recipe.metadata)
    }

    mutating func make() -> TinyModelContents {
        let hidden = recipe.hiddenSize
        let vocabulary = TinyVocabulary.tokenCount
        addMatrix("token_embd.weight", [hidden, vocabulary], recipe.coreType)
        addNorm("output_norm.weight", hidden)
        addMatrix("output.weight", [hidden, vocabulary], recipe.coreType)
        for layer in 0..<recipe.layerCount {
            addAttention("blk.\(layer).")
            addNorm("blk.\(layer).ffn_norm.weight", hidden)
            if recipe.denseLayers.contains(layer) {
                addNetwork("blk.\(layer).ffn_", "", recipe.denseWidth)
            } else {
                addExperts("blk.\(layer).")
            }
        }
        return contents
    }

    private mutating func addAttention(_ prefix: String) {
        let hidden = recipe.hiddenSize
        let queries = recipe.headCount * recipe.keyLength
        let keys = recipe.keyValueHeadCount * recipe.keyLength
        addNorm(prefix + "attn_norm.weight", hidden)
        for (name, width) in [("attn_q", queries), ("attn_k", keys), ("attn_v", keys)] {
            addMatrix(prefix + name + ".weight", [hidden, width], recipe.coreType)
            guard recipe.architecture.attentionBias == .required else { continue }
            addVector(prefix + name + ".bias", width, around: 0)
        }
        addMatrix(prefix + "attn_output.weight", [queries, hidden], recipe.coreType)
        switch recipe.architecture.queryKeyNorm {
        case .none: break
        case .perHead:
            addNorm(prefix + "attn_q_norm.weight", recipe.keyLength)
            addNorm(prefix + "attn_k_norm.weight", recipe.keyLength)
        case .wholeRow:
            addNorm(prefix + "attn_q_norm.weight", queries)
            addNorm(prefix + "attn_k_norm.weight", keys)
        }
    }

    private mutating func addExperts(_ prefix: String) {
        let (hidden, count) = (recipe.hiddenSize, recipe.expertCount)
        let width = recipe.expertWidth
        addMatrix(prefix + "ffn_gate_inp.weight", [hidden, count], .f32)
        addMatrix(prefix + "ffn_gate_exps.weight", [hidden, width, count], recipe.expertType)
        addMatrix(prefix + "ffn_up_exps.weight", [hidden, width, count], recipe.expertType)
        addMatrix(prefix + "ffn_down_exps.weight", [width, hidden, count], recipe.expertType)
        guard recipe.architecture.hasSharedExpert, recipe.sharedWidth > 0 else { return }
        addVector(prefix + "ffn_gate_inp_shexp.weight", hidden, around: 0)
        addNetwork(prefix + "ffn_", "_shexp", recipe.sharedWidth)
    }

    private mutating func addNetwork(_ prefix: String, _ suffix: String, _ width: Int) {
        let hidden = recipe.hiddenSize
        for (name, dimensions) in [
            ("gate", [hidden, width]), ("up", [hidden, width]), ("down", [width, hidden]),
        ] {
            addMatrix(prefix + name + suffix + ".weight", dimensions, recipe.coreType)
        }
    }

    private mutating func addNorm(_ name: String, _ count: Int) {
        addVector(name, count, around: 1)
    }

    private mutating func addVector(_ name: String, _ count: Int, around middle: Float) {
        let values = draw(count, scale: 0.25).map { middle + $0 }
        add(name, [count], .f32, values)
    }

    /// A matrix that keeps the size of what it multiplies about the same.
    private mutating func addMatrix(_ name: String, _ dimensions: [Int], _ type: ElementType) {
        let scale = (3 / Float(dimensions[0])).squareRoot()
        add(name, dimensions, type, draw(dimensions.reduce(1, *), scale: scale))
    }

    private mutating func add(
        _ name: String,
        _ dimensions: [Int],
        _ type: ElementType,
        _ values: [Float]
    ) {
        let bytes = TinyWeights.bytes(of: values, as: type)
        contents.tensors.append(
            TinyModelContents.Tensor(name: name, type: type, dimensions: dimensions, bytes: bytes)
        )
    }

    private mutating func draw(_ count: Int, scale: Float) -> [Float] {
        (0..<count).map { _ in Float(2 * random.unit() - 1) * scale }
    }
}

/// Values to the bytes of an element type.
enum TinyWeights {
    static func bytes(of values: [Float], as type: ElementType) -> [UInt8] {
        switch type {
        case .f32: values.flatMap { littleEndian($0.bitPattern) }
        case .q8_0:
            stride(from: 0, to: values.count, by: 32).flatMap { q8Block(values[$0..<$0 + 32]) }
        default: preconditionFailure("tiny models are made of F32 and Q8_0, not \(type.name)")
        }
    }

    /// Half-precision scale, then 32 rounded values.
    private static func q8Block(_ values: ArraySlice<Float>) -> [UInt8] {
        let largest = values.reduce(0) { max($0, abs($1)) }
        let scale = Float16(largest / 127)
        let quants = values.map { value in
            scale == 0 ? 0 : Int8(max(-127, min(127, (value / Float(scale)).rounded())))
        }
        return littleEndian(scale.bitPattern) + quants.map { UInt8(bitPattern: $0) }
    }

    private static func littleEndian(_ bits: some FixedWidthInteger & UnsignedInteger) -> [UInt8] {
        (0..<bits.bitWidth / 8).map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }
    }
}
