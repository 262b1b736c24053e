import Foundation

/// Log-probabilities of a chosen token and of the likeliest ones at its place.
///
/// They are the model's own, of the logits before penalties, biases and temperature, as vLLM tells
/// them: how sure the model is does not depend on how it is asked to choose.
public struct TokenScores: Equatable, Sendable {
    public struct Score: Equatable, Sendable {
        public var token: Int32
        /// Natural logarithm.
        public var logProbability: Double

        public init(token: Int32, logProbability: Double) {
            self.token = token
            self.logProbability = logProbability
        }
    }

    public var chosen: Score
    /// Likeliest first; equal ones by the lower token.
    public var likeliest: [Score]

    public init(chosen: Score, likeliest: [Score]) {
        self.chosen = chosen
        self.likeliest = likeliest
    }

    /// - Parameter logits: `[vocabulary]`, as the model computed them.
    init(of token: Int32, likeliest count: Int, in logits: ArraySlice<Float>) {
        let largest = logits.max() ?? 0
        var total = 0.0
        for logit in logits { total += exp(Double(logit - largest)) }
        let all = log(total)
        func score(_ token: Int32) -> Score {
            let logit = logits[logits.startIndex + Int(token)]
            return Score(token: token, logProbability: Double(logit - largest) - all)
        }
        chosen = score(token)
        likeliest = Evaluation.top(count, of: logits).ids.map(score)
    }
}
