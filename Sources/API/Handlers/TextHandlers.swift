import Hummingbird
import JSON
import Requests
import Tokenizer

/// Texts to tokens and back.
struct TextHandlers {
    let served: ServedAnswers
    let limits: APILimits

    func tokenize(_ request: Request) async throws(APIError) -> Response {
        let (_, wish) = try await BodyReader(limits: limits).read(request) {
            (body) throws(BodyError) in
            try TokenizeRequest(body)
        }
        let tokens = try await TextWork(served.tokenizer).tokens(
            of: [wish.content],
            field: "content",
            addSpecial: wish.addSpecial,
            parseSpecial: wish.parseSpecial
        )
        return .json(["tokens": .array((tokens.first ?? []).map { .integer(Int($0)) })])
    }

    func detokenize(_ request: Request) async throws(APIError) -> Response {
        let count = served.tokenizer.vocabularyCount
        let (_, wish) = try await BodyReader(limits: limits).read(request) {
            (body) throws(BodyError) in
            try DetokenizeRequest(body, vocabularyCount: count)
        }
        let bytes = served.tokenizer.decode(wish.tokens, includeSpecial: true)
        return .json(["content": .string(String(decoding: bytes, as: UTF8.self))])
    }
}
