/// How the next token is chosen from logits: names and defaults are llama-server's.
public struct Sampling: Equatable, Sendable {
    /// 0 or less chooses the largest logit, always.
    public var temperature: Float = 0.8
    /// Keeps the k largest; 0 keeps all.
    public var topK = 40
    /// Keeps the smallest set whose probability reaches p; 1 keeps all.
    public var topP: Float = 0.95
    /// Drops tokens less likely than p times the likeliest; 0 drops none.
    public var minP: Float = 0.05
    /// Divides positive logits, and multiplies negative ones, of recent tokens; 1 leaves them.
    public var repeatPenalty: Float = 1
    /// How many recent tokens the three penalties look at; 0 none, -1 all.
    public var repeatLastN = 64
    /// Subtracted from the logit of every recent token.
    public var presencePenalty: Float = 0
    /// Subtracted from the logit of a recent token once per occurrence.
    public var frequencyPenalty: Float = 0
    /// Whether presence and frequency penalties look at the prompt too, as llama-server's do; where
    /// not, only at the answer, as OpenAI's do.
    public var penalizesPrompt = true
    /// Added to the logits of tokens, behind the penalties.
    public var logitBias: [Int32: Float] = [:]
    /// Tokens to make before the answer may end.
    public var minimumTokens = 0
    /// Whether the model's end tokens are never chosen.
    public var ignoresEnd = false
    /// Tokens that end the answer besides the model's own.
    public var stopTokens: [Int32] = []
    /// How many of the likeliest tokens are told with each token's own log-probability; nil tells
    /// none of them.
    public var scoreCount: Int?
    /// Where the random choices start; nil asks the system for one.
    public var seed: UInt64?

    private static let biasLimit = 1024
    private static let stopTokenLimit = 64

    public init() {}

    /// Always the largest logit; ties go to the lower token.
    public static let greedy: Sampling = {
        var sampling = Sampling()
        sampling.temperature = 0
        return sampling
    }()

    /// Checks ranges.
    ///
    /// - Throws: the first value out of range, by name.
    public func validate() throws(SamplingError) {
        try Self.check("temperature", temperature, 0...100)
        try Self.check("top-p", topP, 0...1)
        try Self.check("min-p", minP, 0...1)
        try Self.check("repeat-penalty", repeatPenalty, 0.01...100)
        try Self.check("presence-penalty", presencePenalty, -100...100)
        try Self.check("frequency-penalty", frequencyPenalty, -100...100)
        guard topK >= 0 else { throw .outOfRange("top-k", value: "\(topK)", allowed: "0 or more") }
        guard repeatLastN >= -1 else {
            throw .outOfRange("repeat-last-n", value: "\(repeatLastN)", allowed: "-1 or more")
        }
        for (_, bias) in logitBias.sorted(by: { $0.key < $1.key }) {
            try Self.check("logit-bias", bias, -100...100)
        }
        try Self.check("logit-bias entries", logitBias.count, 0...Self.biasLimit)
        try Self.check("stop tokens", stopTokens.count, 0...Self.stopTokenLimit)
        try Self.check("min-tokens", minimumTokens, 0...Int(Int32.max))
        if let scoreCount { try Self.check("top-logprobs", scoreCount, 0...20) }
    }

    private static func check<Value>(
        _ name: String,
        _ value: Value,
        _ range: ClosedRange<Value>
    ) throws(SamplingError) {
        // A NaN is in no range.
        guard range.contains(value) else {
            throw .outOfRange(
                name,
                value: "\(value)",
                allowed: "\(range.lowerBound) to \(range.upperBound)"
            )
        }
    }
}

/// A sampling value outside its range.
public enum SamplingError: Error, Equatable, CustomStringConvertible {
    case outOfRange(String, value: String, allowed: String)

    public var description: String {
        switch self {
        case .outOfRange(let name, let value, let allowed):
            "\(name) is \(value); it must be \(allowed)"
        }
    }
}
