import Inference
package import JSON

/// What `/v1/completions` is asked for.
package struct CompletionRequest: Sendable {
    package let prompts: [Prompt]
    package let model: String?
    package private(set) var generation: GenerationFields

    package enum Prompt: Equatable, Sendable {
        case text(String)
        case tokens([Int32])
    }

    /// OpenAI's; few enough that a slip costs little.
    private static let defaultTokenCount = 16

    /// - Parameter choiceLimit: answers that one request may ask for.
    package init(_ body: JSONValue, choiceLimit: Int) throws(BodyError) {
        var fields = try RequestFields(body)
        model = try fields.text("model")
        generation = try GenerationFields(
            &fields,
            choiceLimit: choiceLimit,
            lengthKeys: ["max_tokens"]
        )
        generation.maximumTokens = generation.maximumTokens ?? Self.defaultTokenCount
        guard let prompt = fields.value("prompt") else { throw .missingField("prompt") }
        prompts = try Self.prompts(prompt)
        let most = choiceLimit / generation.choiceCount
        guard !prompts.isEmpty, prompts.count <= most else {
            throw .outOfRange(
                "prompt",
                value: "an array of \(prompts.count)",
                allowed: "1 to \(most) prompts, for each of which there are n answers"
            )
        }
        try fields.neutral("echo", [false], otherwise: "answers do not repeat the prompt")
        try fields.neutral("suffix", [], otherwise: "answers continue the prompt only")
        generation.sampling.scoreCount = try fields.whole(
            "logprobs",
            in: 0...GenerationFields.scoreLimit
        )
        try fields.neutral(
            "best_of",
            [.integer(generation.choiceCount)],
            otherwise: "all answers are given: leave it out, or make it n"
        )
        try fields.finish()
    }

    /// A string, tokens, or an array of either.
    private static func prompts(_ value: JSONValue) throws(BodyError) -> [Prompt] {
        switch value {
        case .string(let text): return [.text(text)]
        case .array(let elements):
            if case .integer = elements.first { return [.tokens(try tokens(elements))] }
            var prompts: [Prompt] = []
            for element in elements {
                switch element {
                case .string(let text): prompts.append(.text(text))
                case .array(let elements): prompts.append(.tokens(try tokens(elements)))
                default: throw wrong(element)
                }
            }
            return prompts
        default: throw wrong(value)
        }
    }

    private static func tokens(_ elements: [JSONValue]) throws(BodyError) -> [Int32] {
        var tokens: [Int32] = []
        tokens.reserveCapacity(elements.count)
        for element in elements {
            guard let whole = element.whole else { throw wrong(element) }
            guard let token = Int32(exactly: whole) else {
                throw .outOfRange("prompt", value: "\(whole)", allowed: "a token's id")
            }
            tokens.append(token)
        }
        return tokens
    }

    private static func wrong(_ value: JSONValue) -> BodyError {
        .wrongType(
            "prompt",
            expected: "a string, an array of token ids, or an array of these",
            found: value.kind
        )
    }
}
