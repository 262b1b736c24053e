/// Tokens to text as they come, whole characters only.
///
/// Bytes that may still become a character are held back until they do; bytes that cannot are
/// replaced by U+FFFD. The chunks together are what `Tokenizer.decode` gives for all tokens at
/// once, repaired in the same way.
public struct StreamingDecoder: Sendable {
    private let tokenizer: Tokenizer
    private let includeSpecial: Bool
    private var isStart: Bool
    /// The beginning of a character, at most three bytes.
    private var held: [UInt8] = []

    /// Begins with nothing decoded.
    ///
    /// - Parameters:
    ///   - tokenizer: the one that made, or will make sense of, the tokens.
    ///   - includeSpecial: writes control tokens by name instead of leaving them out.
    ///   - continuing: whether the tokens follow a prompt, so that a leading space is theirs.
    public init(_ tokenizer: Tokenizer, includeSpecial: Bool = false, continuing: Bool = false) {
        self.tokenizer = tokenizer
        self.includeSpecial = includeSpecial
        isStart = !continuing
    }

    /// The characters that a token completes; often none, for instance inside an emoji.
    public mutating func push(_ token: Int32) -> String {
        held += tokenizer.piece(of: token, includeSpecial: includeSpecial, isStart: &isStart)
        var taken = 0
        while taken < held.count {
            let sequence = UTF8Sequence(at: taken, in: held, end: held.count)
            if case .incomplete = sequence {
                break
            }
            taken += sequence.byteCount
        }
        let text = String(decoding: held[..<taken], as: UTF8.self)
        held.removeFirst(taken)
        return text
    }

    /// What is left when no more tokens come: U+FFFD for an unfinished character, or nothing.
    public mutating func finish() -> String {
        let text = String(decoding: held, as: UTF8.self)
        held = []
        return text
    }
}
