import Coordinator
import Generation

/// An answer while it is made: news of a request's jobs go in, OpenAI's objects come out.
struct Answer {
    /// What the objects are called, and what is in them.
    enum Form {
        case completion
        case chat
    }

    /// Something new of one choice.
    struct Piece: Equatable {
        let choice: Int
        var text = ""
        var finish: String?
    }

    let form: Form
    let source: Source
    /// Of all prompts together.
    let promptTokenCount: Int
    private(set) var id = ""
    private var choices: [Choice]
    private let keepsText: Bool

    private struct Choice {
        var text = ""
        var result: GenerationResult?
        var finish: String?
    }

    /// Where an answer comes from, and when.
    struct Source {
        let model: String
        /// The same one and the same seed make the same answer.
        let fingerprint: String
        /// Seconds since 1970.
        let created: Int
    }

    /// - Parameter keepsText: false where pieces are sent as they come.
    init(
        form: Form,
        source: Source,
        promptTokenCount: Int,
        choiceCount: Int,
        keepsText: Bool
    ) {
        self.form = form
        self.source = source
        self.promptTokenCount = promptTokenCount
        self.keepsText = keepsText
        choices = Array(repeating: Choice(), count: choiceCount)
    }

    var isComplete: Bool { choices.allSatisfy { $0.result != nil } }

    /// Takes the next news.
    ///
    /// - Returns: what a client that reads along should hear of it.
    /// - Throws: where there will be no answer.
    mutating func take(_ news: JobNews) throws(APIError) -> Piece? {
        switch news {
        case .accepted(let jobs): id = "\(form.idPrefix)-\(jobs.first ?? "")"
        case .refused(let refusal): throw .refused(refusal)
        case .event(let choice, .token(_, let text)), .event(let choice, .text(let text)):
            guard !text.isEmpty else { return nil }
            if keepsText { choices[choice].text += text }
            return Piece(choice: choice, text: text)
        case .event: break
        case .ended(let choice, let result):
            let finish = try Self.finish(result)
            choices[choice].result = result
            choices[choice].finish = finish
            return Piece(choice: choice, finish: finish)
        case .pulse: break
        }
        return nil
    }

    private static func finish(_ result: GenerationResult) throws(APIError) -> String {
        switch result.reason {
        case .stop: return "stop"
        case .length: return "length"
        case .cancelled: throw .cancelled
        case .failed(let message): throw .failed(message)
        }
    }

    // MARK: Objects

    /// The whole answer.
    var whole: JSONValue {
        object(form.object, choices: choices.enumerated().map(entry), usage: usage)
    }

    private func entry(_ index: Int, _ choice: Choice) -> JSONValue {
        let content: JSONValue.Member =
            switch form {
            case .completion: .init("text", .string(choice.text))
            case .chat:
                .init("message", ["role": "assistant", "content": .string(choice.text)])
            }
        return self.choice(index, content, finish: choice.finish)
    }

    /// What goes before the first piece of each choice; nil for nothing.
    func opening(of choice: Int) -> JSONValue? {
        guard form == .chat else { return nil }
        let delta = JSONValue.Member("delta", ["role": "assistant", "content": ""])
        return object(form.chunk, choices: [self.choice(choice, delta, finish: nil)])
    }

    func chunk(_ piece: Piece) -> JSONValue {
        let content: JSONValue.Member =
            switch form {
            case .completion: .init("text", .string(piece.text))
            case .chat where piece.finish != nil: .init("delta", [:])
            case .chat: .init("delta", ["content": .string(piece.text)])
            }
        let entry = choice(piece.choice, content, finish: piece.finish)
        return object(form.chunk, choices: [entry])
    }

    /// The piece that says what was used.
    var usageChunk: JSONValue { object(form.chunk, choices: [], usage: usage) }

    func progressChunk(done: Int, total: Int) -> JSONValue {
        guard case .object(var members) = object(form.chunk, choices: []) else { return .null }
        members.append(
            .init("prompt_progress", ["processed": .integer(done), "total": .integer(total)])
        )
        return .object(members)
    }

    private func choice(
        _ index: Int,
        _ content: JSONValue.Member,
        finish: String?
    ) -> JSONValue {
        .object([
            .init("index", .integer(index)), content, .init("logprobs", .null),
            .init("finish_reason", finish.map(JSONValue.string) ?? .null),
        ])
    }

    private func object(
        _ name: String,
        choices: [JSONValue],
        usage: JSONValue? = nil
    ) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("id", .string(id)),
            .init("object", .string(name)),
            .init("created", .integer(source.created)),
            .init("model", .string(source.model)),
            .init("system_fingerprint", .string(source.fingerprint)),
            .init("choices", .array(choices)),
        ]
        if let usage { members.append(.init("usage", usage)) }
        return .object(members)
    }

    /// Prompts count once, however many answers they have.
    private var usage: JSONValue {
        let results = choices.compactMap(\.result)
        let generated = results.reduce(0) { $0 + $1.tokens.count }
        let prompt = promptTokenCount
        return [
            "prompt_tokens": .integer(prompt),
            "completion_tokens": .integer(generated),
            "total_tokens": .integer(prompt + generated),
            "prompt_tokens_details": ["cached_tokens": 0],
        ]
    }
}

extension Answer.Form {
    fileprivate var idPrefix: String {
        switch self {
        case .completion: "cmpl"
        case .chat: "chatcmpl"
        }
    }

    fileprivate var object: String {
        switch self {
        case .completion: "text_completion"
        case .chat: "chat.completion"
        }
    }

    fileprivate var chunk: String {
        switch self {
        case .completion: "text_completion"
        case .chat: "chat.completion.chunk"
        }
    }
}
