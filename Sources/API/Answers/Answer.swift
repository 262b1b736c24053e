import Coordinator
import Generation
import Templates

/// An answer while it is made: news of a request's jobs go in, pieces of it come out.
///
/// What they look like to clients is in `Answer+Objects.swift`.
struct Answer {
    /// What the objects are called, and what is in them.
    enum Form {
        case completion
        /// - Parameter calls: how the model writes calls of tools; nil where it was given none.
        case chat(calls: ToolCallFormat?)
    }

    /// Where an answer comes from, and when.
    struct Source {
        let model: String
        /// The same one and the same seed make the same answer.
        let fingerprint: String
        /// Seconds since 1970.
        let created: Int
    }

    /// Something new of one choice.
    struct Piece {
        let choice: Int
        let content: Content
    }

    enum Content {
        case text(String)
        /// - Parameter index: which of the choice's calls, from 0.
        case call(index: Int, ToolCall)
        /// The last: why the answer ends.
        case finish(String)
    }

    /// One of the answers that were asked for.
    struct Choice {
        var text = ""
        var calls: [ToolCall] = []
        var result: GenerationResult?
        var finish: String?
        fileprivate var parser: ToolCallParser?
    }

    let form: Form
    let source: Source
    /// Of all prompts together.
    let promptTokenCount: Int
    private(set) var id = ""
    private(set) var choices: [Choice]
    private let keepsText: Bool

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
        var choice = Choice()
        if case .chat(let calls?) = form { choice.parser = ToolCallParser(calls) }
        choices = Array(repeating: choice, count: choiceCount)
    }

    var isComplete: Bool { choices.allSatisfy { $0.result != nil } }

    /// Takes the next news.
    ///
    /// - Returns: what a client that reads along should hear of it.
    /// - Throws: where there will be no answer.
    mutating func take(_ news: JobNews) throws(APIError) -> [Piece] {
        switch news {
        case .accepted(let jobs): id = "\(form.idPrefix)-\(jobs.first ?? "")"
        case .refused(let refusal): throw .refused(refusal)
        case .event(let choice, .token(_, let text)), .event(let choice, .text(let text)):
            let events = choices[choice].parser?.push(text) ?? [.text(text)]
            return add(events, to: choice)
        case .event, .pulse: break
        case .ended(let choice, let result):
            var pieces: [Piece] = []
            if let events = choices[choice].parser?.finish() { pieces = add(events, to: choice) }
            return pieces + [try end(choice, result)]
        }
        return []
    }

    private mutating func add(_ events: [ToolCallParser.Event], to choice: Int) -> [Piece] {
        var pieces: [Piece] = []
        for event in events {
            switch event {
            case .text(""): continue
            case .text(let text):
                if keepsText { choices[choice].text += text }
                pieces.append(Piece(choice: choice, content: .text(text)))
            case .call(let call):
                let index = choices[choice].calls.count
                choices[choice].calls.append(call)
                pieces.append(Piece(choice: choice, content: .call(index: index, call)))
            }
        }
        return pieces
    }

    private mutating func end(
        _ choice: Int,
        _ result: GenerationResult
    ) throws(APIError) -> Piece {
        let hasCalls = !choices[choice].calls.isEmpty
        let finish: String
        switch result.reason {
        case .stop: finish = hasCalls ? "tool_calls" : "stop"
        case .length: finish = "length"
        case .cancelled: throw .cancelled
        case .failed(let message): throw .failed(message)
        }
        choices[choice].result = result
        choices[choice].finish = finish
        return Piece(choice: choice, content: .finish(finish))
    }
}

extension Answer.Form {
    var isChat: Bool {
        if case .chat = self { true } else { false }
    }

    fileprivate var idPrefix: String { isChat ? "chatcmpl" : "cmpl" }
}
