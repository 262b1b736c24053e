import Hummingbird
import JSON
import Tokenizer

/// Texts to tokens and back; names of fields are llama-server's.
struct TextHandlers {
    let served: ServedAnswers
    let limits: APILimits

    func tokenize(_ request: Request) async throws(APIError) -> Response {
        let (_, body) = try await BodyReader(limits: limits).read(request)
        var fields = try RequestFields(body)
        guard let content = try fields.text("content") else { throw .missingField("content") }
        let addSpecial = try fields.bool("add_special") ?? false
        let parseSpecial = try fields.bool("parse_special") ?? true
        try fields.finish()
        let tokens = try await TextWork(served.tokenizer).tokens(
            of: [content],
            field: "content",
            addSpecial: addSpecial,
            parseSpecial: parseSpecial
        )
        return .json(["tokens": .array((tokens.first ?? []).map { .integer(Int($0)) })])
    }

    func detokenize(_ request: Request) async throws(APIError) -> Response {
        let (_, body) = try await BodyReader(limits: limits).read(request)
        var fields = try RequestFields(body)
        guard let value = fields.value("tokens") else { throw .missingField("tokens") }
        try fields.finish()
        guard let elements = value.elements else {
            throw fields.wrong("tokens", value, "an array of token ids")
        }
        var tokens: [Int32] = []
        let count = served.tokenizer.vocabularyCount
        for element in elements {
            guard let whole = element.whole else {
                throw fields.wrong("tokens", element, "an array of token ids")
            }
            guard (0..<count).contains(whole) else {
                throw fields.outOfRange("tokens", "\(whole)", "ids from 0 to \(count - 1)")
            }
            tokens.append(Int32(whole))
        }
        let bytes = served.tokenizer.decode(tokens, includeSpecial: true)
        return .json(["content": .string(String(decoding: bytes, as: UTF8.self))])
    }
}
