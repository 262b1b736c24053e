import Coordinator
import Generation
import Requests
import Templates
import Tokenizer

/// An answer while it is made: news of a request's jobs go in, pieces of it come out.
///
/// What they look like to clients is in `Answer+Objects.swift`.
struct Answer {
    /// What the objects are called, and what is in them.
    enum Form {
        case completion
        /// - Parameters:
        ///   - calls: how the model writes calls of tools; nil where it was given none.
        ///   - forced: the call that the answer is; nil where it is text.
        case chat(calls: ToolCallFormat?, forced: ForcedCall?)
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
        /// Of tokens that have come since the piece before.
        var scores: [ScoredToken] = []
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
        /// Where they were asked for.
        var scores: [ScoredToken] = []
        fileprivate var parser: ToolCallParser?
        /// Scores of tokens that no piece has told yet.
        fileprivate var untold: [ScoredToken] = []
        /// Characters of the tokens that were told.
        fileprivate var characterCount = 0
    }

    let form: Form
    let source: Source
    /// Of all prompts together.
    let promptTokenCount: Int
    private(set) var id = ""
    private(set) var choices: [Choice]
    private let keepsText: Bool
    /// Says what tokens look like where scores were asked for; nil where not.
    let spelling: Tokenizer?

    /// - Parameters:
    ///   - keepsText: false where pieces are sent as they come.
    ///   - spelling: nil where no scores were asked for.
    init(
        form: Form,
        source: Source,
        promptTokenCount: Int,
        choiceCount: Int,
        keepsText: Bool,
        spelling: Tokenizer? = nil
    ) {
        self.form = form
        self.source = source
        self.promptTokenCount = promptTokenCount
        self.keepsText = keepsText
        self.spelling = spelling
        var choice = Choice()
        if case .chat(let calls?, nil) = form { choice.parser = ToolCallParser(calls) }
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
        case .event(let choice, .scores(let scores)):
            let token = ScoredToken(scores, offset: choices[choice].characterCount)
            choices[choice].untold.append(token)
        case .event(let choice, .token(_, let text)):
            let pieces = take(text, of: choice)
            return pieces.isEmpty ? scoresAlone(of: choice) : pieces
        case .event(let choice, .text(let text)): return take(text, of: choice)
        case .event, .pulse: break
        case .ended(let choice, let result):
            var pieces: [Piece] = []
            if let events = choices[choice].parser?.finish() { pieces = add(events, to: choice) }
            pieces += add(forcedCall(of: choice), to: choice)
            return pieces + [try end(choice, result)]
        }
        return []
    }

    private mutating func take(_ text: String, of choice: Int) -> [Piece] {
        if spelling != nil { choices[choice].characterCount += text.unicodeScalars.count }
        guard form.forced == nil else {
            // The arguments of a call are told when they are whole.
            choices[choice].text += text
            return []
        }
        return add(choices[choice].parser?.push(text) ?? [.text(text)], to: choice)
    }

    /// What the whole text of an answer that must be a call stands for; what is none is told as it
    /// was written.
    private mutating func forcedCall(of choice: Int) -> [ToolCallParser.Event] {
        guard let forced = form.forced else { return [] }
        let text = choices[choice].text
        choices[choice].text = ""
        guard let call = forced.call(in: text) else { return [.text(text)] }
        return [.call(call)]
    }

    private mutating func add(_ events: [ToolCallParser.Event], to choice: Int) -> [Piece] {
        var pieces: [Piece] = []
        for event in events {
            switch event {
            case .text(""): continue
            case .text(let text):
                if keepsText { choices[choice].text += text }
                pieces.append(piece(.text(text), of: choice))
            case .call(let call):
                let index = choices[choice].calls.count
                choices[choice].calls.append(call)
                pieces.append(piece(.call(index: index, call), of: choice))
            }
        }
        return pieces
    }

    /// A token whose text is held back, or that has none, has scores all the same.
    private mutating func scoresAlone(of choice: Int) -> [Piece] {
        choices[choice].untold.isEmpty ? [] : [piece(.text(""), of: choice)]
    }

    private mutating func piece(_ content: Content, of choice: Int) -> Piece {
        let scores = choices[choice].untold
        choices[choice].untold = []
        if keepsText { choices[choice].scores += scores }
        return Piece(choice: choice, content: content, scores: scores)
    }

    private mutating func end(
        _ choice: Int,
        _ result: GenerationResult
    ) throws(APIError) -> Piece {
        // As OpenAI has it, a call that the client named is no reason to stop for.
        let endsInCalls = !choices[choice].calls.isEmpty && form.forced?.isNamed != true
        let finish: String
        switch result.reason {
        case .stop: finish = endsInCalls ? "tool_calls" : "stop"
        case .length: finish = "length"
        case .cancelled: throw .cancelled
        case .failed(let message): throw .failed(message)
        }
        choices[choice].result = result
        choices[choice].finish = finish
        return piece(.finish(finish), of: choice)
    }
}

extension Answer.Form {
    var isChat: Bool {
        if case .chat = self { true } else { false }
    }

    /// The call that the answer is.
    var forced: ForcedCall? {
        guard case .chat(_, let forced) = self else { return nil }
        return forced
    }

    fileprivate var idPrefix: String { isChat ? "chatcmpl" : "cmpl" }
}
