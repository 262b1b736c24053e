public import Inference

/// The likeliest token, again and again, after given ones.
public struct GreedyContinuation: Equatable, Sendable {
    public let tokens: [Int32]

    /// - Parameters:
    ///   - forward: computes one sequence at a time.
    ///   - prompt: at least one token.
    ///   - count: how many follow; an end token is one like any other.
    public init(
        after prompt: [Int32],
        count: Int,
        by forward: ForwardPass
    ) throws(ForwardError) {
        precondition(!prompt.isEmpty, "nothing follows no token")
        let context = try forward.makeContext(capacity: prompt.count + count)
        var tokens: [Int32] = []
        var rest = prompt[...]
        var logits: [Float] = []
        var position = 0
        while tokens.count < count {
            let next = rest.prefix(Evaluation.chunk(of: rest.count))
            rest = rest.dropFirst(next.count)
            var batch = Batch()
            batch.append(next, from: position, of: context, logits: .last)
            try forward.run(batch, logits: &logits)
            position += next.count
            guard rest.isEmpty else { continue }
            try forward.requireFinite(logits[...])
            tokens += Evaluation.top(1, of: logits[...]).ids
            rest = tokens.suffix(1)
        }
        self.tokens = tokens
    }

    /// Which part of the tokens are the other's, place by place.
    public func agreement(with other: GreedyContinuation) -> Double {
        let same = zip(tokens, other.tokens).count { $0 == $1 }
        return Double(same) / Double(max(1, max(tokens.count, other.tokens.count)))
    }
}
