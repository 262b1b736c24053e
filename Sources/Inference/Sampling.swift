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
    /// Where the random choices start; nil asks the system for one.
    public var seed: UInt64?

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
    }

    private static func check(
        _ name: String,
        _ value: Float,
        _ range: ClosedRange<Float>
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
