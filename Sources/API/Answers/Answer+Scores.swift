import Generation
import JSON
import Tokenizer

/// A token's scores, and where in the text of its answer it stands.
struct ScoredToken {
    let scores: TokenScores
    /// Characters of the answer before it, as far as they were told.
    let offset: Int

    init(_ scores: TokenScores, offset: Int) {
        self.scores = scores
        self.offset = offset
    }
}

/// What clients are told of scores: `logprobs`, in the two forms that OpenAI has.
extension Answer {
    /// Null where none were asked for, or no token has come.
    func scoresObject(_ tokens: [ScoredToken]) -> JSONValue {
        guard let spelling, !tokens.isEmpty else { return .null }
        guard form.isChat else { return completionScores(tokens, spelling) }
        let content = tokens.map { token -> JSONValue in
            let likeliest = token.scores.likeliest.map { chatScore($0, spelling) }
            return .object(
                chatScore(token.scores.chosen, spelling)
                    + [.init("top_logprobs", .array(likeliest.map(JSONValue.object)))]
            )
        }
        return ["content": .array(content), "refusal": .null]
    }

    private func chatScore(
        _ score: TokenScores.Score,
        _ spelling: Tokenizer
    ) -> [JSONValue.Member] {
        let bytes = spelling.piece(of: score.token)
        return [
            .init("token", .string(String(decoding: bytes, as: UTF8.self))),
            .init("logprob", .number(score.logProbability)),
            .init("bytes", .array(bytes.map { .integer(Int($0)) })),
        ]
    }

    private func completionScores(_ tokens: [ScoredToken], _ spelling: Tokenizer) -> JSONValue {
        func name(_ score: TokenScores.Score) -> JSONValue {
            .string(Self.name(of: spelling.piece(of: score.token)))
        }
        return [
            "tokens": .array(tokens.map { name($0.scores.chosen) }),
            "token_logprobs": .array(tokens.map { .number($0.scores.chosen.logProbability) }),
            "top_logprobs": .array(tokens.map { likeliest($0.scores, spelling) }),
            "text_offset": .array(tokens.map { .integer($0.offset) }),
        ]
    }

    /// The likeliest tokens and the chosen one; of tokens that are spelled alike the likeliest.
    private func likeliest(_ scores: TokenScores, _ spelling: Tokenizer) -> JSONValue {
        var members: [JSONValue.Member] = []
        for score in scores.likeliest + [scores.chosen] {
            let name = Self.name(of: spelling.piece(of: score.token))
            guard !members.contains(where: { $0.key == name }) else { continue }
            members.append(.init(name, .number(score.logProbability)))
        }
        return .object(members)
    }

    /// The text of a token, or, as OpenAI writes it, the bytes of one that is no text by itself.
    private static func name(of bytes: ArraySlice<UInt8>) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return bytes.reduce(into: "bytes:") { name, byte in
            name += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }
}
