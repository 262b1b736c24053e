/// The name of a tensor in a model file, as GGUF spells it.
public struct WeightName: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ text: String) { description = text }

    public static let tokenEmbedding = WeightName("token_embd.weight")
    public static let outputNorm = WeightName("output_norm.weight")
    public static let output = WeightName("output.weight")
    /// Divisors of the rope frequencies.
    public static let ropeFactors = WeightName("rope_freqs.weight")

    public static func layer(_ layer: Int, _ role: LayerRole) -> WeightName {
        WeightName("blk.\(layer).\(role.rawValue)")
    }
}

/// What a tensor does in its layer.
public enum LayerRole: String, CaseIterable, Sendable {
    case attentionNorm = "attn_norm.weight"
    case query = "attn_q.weight"
    case key = "attn_k.weight"
    case value = "attn_v.weight"
    case attentionOutput = "attn_output.weight"
    case queryBias = "attn_q.bias"
    case keyBias = "attn_k.bias"
    case valueBias = "attn_v.bias"
    case attentionOutputBias = "attn_output.bias"
    case queryNorm = "attn_q_norm.weight"
    case keyNorm = "attn_k_norm.weight"
    case feedForwardNorm = "ffn_norm.weight"

    case router = "ffn_gate_inp.weight"
    case expertGates = "ffn_gate_exps.weight"
    case expertUps = "ffn_up_exps.weight"
    case expertDowns = "ffn_down_exps.weight"

    case sharedRouter = "ffn_gate_inp_shexp.weight"
    case sharedGate = "ffn_gate_shexp.weight"
    case sharedUp = "ffn_up_shexp.weight"
    case sharedDown = "ffn_down_shexp.weight"

    case denseGate = "ffn_gate.weight"
    case denseUp = "ffn_up.weight"
    case denseDown = "ffn_down.weight"

    /// Whether the tensor holds one matrix per expert.
    public var isExpert: Bool {
        switch self {
        case .expertGates, .expertUps, .expertDowns: true
        default: false
        }
    }
}
