import Foundation

/// Perplexity as llama.cpp's `llama-perplexity` defines it.
///
/// The text's tokens are cut into whole windows; in each, predictions from the middle on are
/// scored: window - window/2 - 1 of them.
public struct Perplexity: Equatable, Sendable {
    /// Tokens of each window, the first replaced by BOS where the model asks for it.
    public let windows: [[Int32]]
    public let windowLength: Int
    private var total = 0.0
    public private(set) var scoredCount = 0

    /// - Parameters:
    ///   - tokens: the whole text, with BOS in front where the model asks for it.
    ///   - bos: what replaces the first token of each window, or nil.
    public init(tokens: [Int32], windowLength: Int, bos: Int32?) {
        precondition(windowLength >= 4, "a window of \(windowLength) tokens scores nothing")
        self.windowLength = windowLength
        windows = (0..<tokens.count / windowLength).map { index in
            var window = Array(tokens[index * windowLength..<(index + 1) * windowLength])
            if let bos { window[0] = bos }
            return window
        }
    }

    /// The first position whose prediction of the next token is scored.
    public var firstScored: Int { windowLength / 2 }

    /// Adds the log-probability of one scored prediction.
    public mutating func add(logProbability: Double) {
        total -= logProbability
        scoredCount += 1
    }

    /// exp of the mean negative log-probability; nil before anything was scored.
    public var value: Double? {
        scoredCount > 0 ? exp(total / Double(scoredCount)) : nil
    }

    /// The log of the softmax probability of `token`.
    public static func logProbability(of token: Int32, in logits: ArraySlice<Float>) -> Double {
        let largest = logits.max() ?? 0
        var total = 0.0
        for logit in logits { total += exp(Double(logit - largest)) }
        return Double(logits[logits.startIndex + Int(token)] - largest) - log(total)
    }
}
