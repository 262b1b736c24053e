import Generation
import JSON
import Requests
public import Templates

/// Takes any bytes as the body of a request over HTTP, and does what can be done without a model.
///
/// An input is a byte that says which request, then its body. JSON that can be read must be read
/// the same once it is written; a conversation becomes a prompt; and what an answer is held to
/// must never leave it without a next byte.
public struct RequestProbe: Sendable {
    public enum Kind: UInt8, CaseIterable, Sendable {
        case completion
        /// Where the template shows calls as Qwen writes them, and as Mistral does.
        case taggedChat, listedChat
        case template, tokenize, detokenize
    }

    private static let choiceLimit = 128
    private static let vocabularyCount = 32_768
    private static let contextLength = 4096
    /// Bytes of an answer that are tried.
    private static let walkLength = 96
    private static let date = TemplateDate(year: 2026, month: 2, day: 3)

    private let tagged: ChatTemplate
    private let listed: ChatTemplate

    public init() throws(TemplateError) {
        tagged = try ChatTemplate(source: Self.source(of: "<tool_call>"))
        listed = try ChatTemplate(source: Self.source(of: "[TOOL_CALLS]"))
    }

    private static func source(of opening: String) -> String {
        """
        {%- if tools %}{{ tools | tojson }}{% endif -%}
        {%- for message in messages -%}
        <{{ message.role }}>{{ message.content }}
        {%- for call in message.tool_calls or [] -%}
        \(opening){{ call.function | tojson }}
        {%- endfor -%}
        {%- endfor -%}
        <assistant>
        """
    }

    /// The input that holds a body.
    public static func input(_ kind: Kind, body: [UInt8]) -> [UInt8] { [kind.rawValue] + body }

    /// What becomes of an input.
    public func outcome(of input: [UInt8]) -> ProbeOutcome {
        guard let first = input.first,
            let kind = Kind(rawValue: first % UInt8(Kind.allCases.count))
        else { return .refused("no bytes") }
        do throws(JSONError) {
            let body = try JSONValue(parsing: Array(input.dropFirst()))
            guard try JSONValue(parsing: body.encoded) == body else {
                return .changed("JSON that was written is read as something else")
            }
            return outcome(of: body, kind, input)
        } catch {
            return .refused(by: BodyError.json(error))
        }
    }

    private func outcome(of body: JSONValue, _ kind: Kind, _ input: [UInt8]) -> ProbeOutcome {
        do throws(BodyError) {
            switch kind {
            case .completion: return try completion(body, input)
            case .taggedChat: return try chat(body, tagged, input)
            case .listedChat: return try chat(body, listed, input)
            case .template: _ = try ChatConversation(body).prompt(tagged, date: Self.date)
            case .tokenize: _ = try TokenizeRequest(body)
            case .detokenize:
                let count = Self.vocabularyCount
                let wish = try DetokenizeRequest(body, vocabularyCount: count)
                guard wish.tokens.allSatisfy({ 0 <= $0 && $0 < count }) else {
                    return .changed("a token out of nowhere")
                }
            }
            return .read
        } catch {
            return .refused(by: error)
        }
    }

    private func completion(
        _ body: JSONValue,
        _ input: [UInt8]
    ) throws(BodyError) -> ProbeOutcome {
        let wish = try CompletionRequest(body, choiceLimit: Self.choiceLimit)
        let prompts = wish.prompts.map { prompt -> [Int32] in
            guard case .tokens(let tokens) = prompt else { return [1] }
            return tokens
        }
        return try check(wish.generation, prompts, input)
    }

    private func chat(
        _ body: JSONValue,
        _ template: ChatTemplate,
        _ input: [UInt8]
    ) throws(BodyError) -> ProbeOutcome {
        let wish = try ChatRequest(body, choiceLimit: Self.choiceLimit)
        let prompt = try wish.conversation.prompt(template, date: Self.date)
        // What somebody wrote may be what the answer is, too.
        _ = wish.conversation.call?.call(in: prompt)
        let generation = try wish.generation(writtenAs: template.toolCallFormat)
        return try check(generation, [[1]], input)
    }

    // MARK: What was understood

    private func check(
        _ generation: GenerationFields,
        _ prompts: [[Int32]],
        _ input: [UInt8]
    ) throws(BodyError) -> ProbeOutcome {
        let orders = generation.orders(prompts)
        guard (1...Self.choiceLimit).contains(orders.count), let order = orders.first else {
            return .changed("\(orders.count) answers are asked for")
        }
        try generation.check(
            vocabularyCount: Self.vocabularyCount,
            contextLength: Self.contextLength,
            answerCount: orders.count
        )
        do throws(RequestError) {
            try order.validate(
                contextLength: Self.contextLength,
                vocabularyCount: Self.vocabularyCount
            )
        } catch {
            return .refused(by: error)
        }
        guard Self.goesOn(order.form, input) else {
            return .changed("an answer cannot go on")
        }
        return .read
    }

    /// Signs that JSON is made of are tried before other bytes.
    private static let signs = Array("\"}{][,:0tfn-.e \\aux".utf8)

    /// Whether there is a next byte wherever these ones lead.
    private static func goesOn(_ form: AnswerForm, _ choices: [UInt8]) -> Bool {
        guard var prefix = FormPrefix(form) else { return true }
        // Outside of a call any byte may come.
        for byte in prefix.awaitedOpening ?? [] { _ = prefix.take(byte) }
        for choice in choices.suffix(walkLength) {
            guard !prefix.isClosed, prefix.awaitedOpening == nil else { return true }
            let start = Int(choice) % signs.count
            let sign = (signs[start...] + signs[..<start]).first { prefix.takes([$0]) }
            let next = sign ?? (UInt8.min...UInt8.max).first { prefix.takes([$0]) }
            guard let next, prefix.take(next) else { return false }
        }
        return true
    }
}
