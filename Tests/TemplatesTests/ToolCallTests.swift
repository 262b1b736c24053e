import Templates
import Testing

@Suite("Calls of tools in answers")
struct ToolCallTests {
    /// What comes out of an answer: neighbouring texts joined.
    private func events(
        _ format: ToolCallFormat,
        _ pieces: [String]
    ) -> [ToolCallParser.Event] {
        var parser = ToolCallParser(format)
        var events: [ToolCallParser.Event] = []
        let all = pieces.flatMap { parser.push($0) } + parser.finish()
        for event in all {
            if case .text(let more) = event, case .text(let text) = events.last {
                events[events.count - 1] = .text(text + more)
            } else {
                events.append(event)
            }
        }
        return events
    }

    private static let call = "{\"name\": \"f\", \"arguments\": {\"a\": [1, \"}]</tool_call>\"]}}"
    private static let parsed = ToolCallParser.Event.call(
        ToolCall(name: "f", arguments: "{\"a\": [1, \"}]</tool_call>\"]}")
    )

    private static let answers: [(ToolCallFormat, String, [ToolCallParser.Event])] = [
        (.tagged, "Hello.", [.text("Hello.")]),
        (.tagged, "", []),
        (.tagged, " \n", [.text(" \n")]),
        (.tagged, "<tool_call>\n\(call)\n</tool_call>", [parsed]),
        (.tagged, "Yes.\n\n<tool_call>\(call)</tool_call>\n", [.text("Yes."), parsed]),
        (
            .tagged, "<tool_call>\(call)</tool_call>\n<tool_call>\n\(call)</tool_call> Done.",
            [parsed, parsed, .text("Done.")]
        ),
        (.tagged, "<tool_call>\(call)", [parsed]),
        (.tagged, "<tool_call>{\"name\": \"f\"", [.text("<tool_call>{\"name\": \"f\"")]),
        (.tagged, "<tool_call>no</tool_call>", [.text("<tool_call>no</tool_call>")]),
        (
            .tagged, "<tool_call>{\"x\": 1}</tool_call>",
            [.text("<tool_call>{\"x\": 1}</tool_call>")]
        ),
        (.tagged, "<tool_call>{a}</tool_call>", [.text("<tool_call>{a}</tool_call>")]),
        (.tagged, "a < b <tool", [.text("a < b <tool")]),
        (
            .tagged, "<tool_call>{\"name\": \"g\"}</tool_call>",
            [.call(ToolCall(name: "g", arguments: "{}"))]
        ),
        (
            .tagged, "<tool_call>x<tool_call>\(call)</tool_call>",
            [.text("<tool_call>x"), parsed]
        ),
        (.listed, "[TOOL_CALLS] [\(call), \(call)]", [parsed, parsed]),
        (.listed, "[TOOL_CALLS]\(call)", [parsed]),
        (.listed, "Text [TOOL_CALLS] []", [.text("Text[TOOL_CALLS] []")]),
        (
            .listed, "[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": \"{}\"}]",
            [.call(ToolCall(name: "f", arguments: "{}"))]
        ),
    ]

    @Test("Calls are found however the answer is cut", arguments: 0..<answers.count)
    func found(index: Int) {
        let (format, answer, expected) = Self.answers[index]
        #expect(events(format, [answer]) == expected, "whole")
        #expect(events(format, answer.map { String($0) }) == expected, "one by one")
        for place in 0...answer.count {
            let pieces = [String(answer.prefix(place)), String(answer.dropFirst(place))]
            #expect(events(format, pieces) == expected, "cut at \(place)")
        }
    }

    @Test("Text that cannot be a call is let out at once")
    func streaming() {
        var parser = ToolCallParser(.tagged)
        #expect(parser.push("Hello ") == [.text("Hello")])
        #expect(parser.push("world <") == [.text(" world")])
        #expect(parser.push("b>") == [.text(" <b>")])
        #expect(parser.push("<tool_call>{\"name\":") == [])
        #expect(parser.finish() == [.text("<tool_call>{\"name\":")])
    }

    @Test("A call that never ends is let out as text at its limit")
    func endless() {
        var parser = ToolCallParser(.tagged)
        var length = 0
        _ = parser.push("<tool_call>{\"a\": \"")
        for _ in 0..<40 {
            for case .text(let text) in parser.push(String(repeating: "x", count: 1 << 15)) {
                length += text.utf8.count
            }
        }
        #expect(length > ToolCallParser.callByteLimit)
    }

    @Test("Templates tell the format")
    func formats() throws {
        let hermes =
            "{% for m in messages %}{% if m.tool_calls %}<tool_call>{% endif %}{% endfor %}"
        #expect(try ChatTemplate(source: hermes).toolCallFormat == .tagged)
        #expect(try ChatTemplate(source: "{{ '[TOOL_CALLS]' }}").toolCallFormat == .listed)
        #expect(try ChatTemplate(source: "x").toolCallFormat == nil)
    }
}
