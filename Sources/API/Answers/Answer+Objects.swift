import Generation
import JSON
import Model
import Templates

/// What an answer looks like to clients: OpenAI's objects.
extension Answer {
    /// The whole answer.
    var whole: JSONValue {
        let entries = choices.enumerated().map { index, choice in
            entry(
                index,
                form.isChat ? message(choice, index) : text(choice),
                scores: choice.scores,
                choice.finish
            )
        }
        return object(
            form.isChat ? "chat.completion" : "text_completion",
            choices: entries,
            usage: usage
        )
    }

    private func text(_ choice: Choice) -> JSONValue.Member {
        JSONValue.Member("text", .string(choice.text))
    }

    private func message(_ choice: Choice, _ index: Int) -> JSONValue.Member {
        let hasCalls = !choice.calls.isEmpty
        var members: [JSONValue.Member] = [
            .init("role", "assistant"),
            .init("content", hasCalls && choice.text.isEmpty ? .null : .string(choice.text)),
        ]
        if hasCalls {
            let calls = choice.calls.enumerated().map { self.call($1, $0, of: index) }
            members.append(.init("tool_calls", .array(calls.map(JSONValue.object))))
        }
        return JSONValue.Member("message", .object(members))
    }

    // MARK: Pieces

    /// What goes before the first piece of each choice; nil for nothing.
    func opening(of choice: Int) -> JSONValue? {
        guard form.isChat else { return nil }
        let content = JSONValue.Member("delta", ["role": "assistant", "content": ""])
        return object(chunkName, choices: [entry(choice, content, scores: [], nil)])
    }

    func chunk(_ piece: Piece) -> JSONValue {
        switch piece.content {
        case .text(let text) where form.isChat:
            return chunk(piece, .init("delta", ["content": .string(text)]))
        case .text(let text): return chunk(piece, .init("text", .string(text)))
        case .call(let index, let call):
            let members =
                [.init("index", .integer(index))] + self.call(call, index, of: piece.choice)
            let delta: JSONValue = ["tool_calls": [.object(members)]]
            return chunk(piece, .init("delta", delta))
        case .finish(let finish):
            let nothing: JSONValue.Member =
                form.isChat ? .init("delta", [:]) : .init("text", "")
            return chunk(piece, nothing, finish: finish)
        }
    }

    /// The piece that says what was used.
    var usageChunk: JSONValue { object(chunkName, choices: [], usage: usage) }

    func progressChunk(done: Int, total: Int) -> JSONValue {
        guard case .object(var members) = object(chunkName, choices: []) else { return .null }
        members.append(
            .init("prompt_progress", ["processed": .integer(done), "total": .integer(total)])
        )
        return .object(members)
    }

    private var chunkName: String { form.isChat ? "chat.completion.chunk" : "text_completion" }

    private func chunk(
        _ piece: Piece,
        _ content: JSONValue.Member,
        finish: String? = nil
    ) -> JSONValue {
        let entry = entry(piece.choice, content, scores: piece.scores, finish)
        // Nobody need ask for usage to hear how inexact an answer was.
        let ended = finish == nil ? nil : choices[piece.choice].result
        return object(chunkName, choices: [entry], inexact: ended.flatMap { inexactness(of: [$0]) })
    }

    // MARK: Parts

    /// Ids need only differ within a conversation; they are the same for the same answer.
    private func call(_ call: ToolCall, _ index: Int, of choice: Int) -> [JSONValue.Member] {
        [
            .init("id", .string("call_\(id.drop { $0 != "-" }.dropFirst())_\(choice)_\(index)")),
            .init("type", "function"),
            .init(
                "function",
                ["name": .string(call.name), "arguments": .string(call.arguments)]
            ),
        ]
    }

    private func entry(
        _ index: Int,
        _ content: JSONValue.Member,
        scores: [ScoredToken],
        _ finish: String?
    ) -> JSONValue {
        .object([
            .init("index", .integer(index)), content, .init("logprobs", scoresObject(scores)),
            .init("finish_reason", finish.map(JSONValue.string) ?? .null),
        ])
    }

    private func object(
        _ name: String,
        choices: [JSONValue],
        usage: JSONValue? = nil,
        inexact: JSONValue? = nil
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
        if let inexact { members.append(.init("moiety", inexact)) }
        return .object(members)
    }

    /// Prompts count once, however many answers they have.
    private var usage: JSONValue {
        let results = choices.compactMap(\.result)
        let generated = results.reduce(0) { $0 + $1.tokens.count }
        let cached = results.map(\.cachedTokenCount).min() ?? 0
        var members: [JSONValue.Member] = [
            .init("prompt_tokens", .integer(promptTokenCount)),
            .init("completion_tokens", .integer(generated)),
            .init("total_tokens", .integer(promptTokenCount + generated)),
            .init("prompt_tokens_details", ["cached_tokens": .integer(cached)]),
        ]
        if let inexact = inexactness(of: results) { members.append(.init("moiety", inexact)) }
        return .object(members)
    }

    /// Which part of all uses of experts was inexact; nil where workers are exact.
    private func inexactness(of results: [GenerationResult]) -> JSONValue? {
        let all = results.compactMap(\.expertUses)
        guard !all.isEmpty else { return nil }
        let uses = all.reduce(into: TierUses()) { $0.add($1) }
        return [
            "expert_uses": .integer(uses.all), "low_share": .number(uses.lowShare),
            "skipped_share": .number(uses.skippedShare),
        ]
    }
}
