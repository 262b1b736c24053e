import JSON
import Templates

/// Takes any bytes as a chat template and a conversation, renders it, and reads what comes out for
/// calls of tools.
///
/// An input is the template, and behind a byte of 0 the conversation as JSON: messages, or an
/// object with `messages`, `tools` and what else the template knows. The same conversation must
/// give the same text again, within limits, and calls in it must not depend on how it is cut.
public struct ChatProbe: Sendable {
    /// Smaller than those of daemons, so that inputs which waste time are found soon.
    private let limits: Limits

    private static let date = TemplateDate(year: 2026, month: 2, day: 3, hour: 4, minute: 5)
    private static let tokens: TemplateDictionary = ["bos_token": "<s>", "eos_token": "</s>"]
    private static let conversation: TemplateValue = [
        "messages": [
            ["role": "system", "content": "Be brief."], ["role": "user", "content": "When?"],
        ],
        "tools": [
            [
                "type": "function",
                "function": [
                    "name": "date", "description": "Tells the date.",
                    "parameters": [
                        "type": "object",
                        "properties": ["zone": ["type": "string", "description": "Which."]],
                        "required": ["zone"],
                    ],
                ],
            ]
        ],
    ]

    public init() {
        var limits = Limits()
        limits.steps = 100_000
        limits.outputByteCount = 16 << 10
        limits.valueByteCount = 4 << 20
        limits.rangeCount = 10_000
        self.limits = limits
    }

    /// The input that holds a template and a conversation.
    public static func input(template: [UInt8], conversation: [UInt8]) -> [UInt8] {
        template + [0] + conversation
    }

    /// What becomes of an input.
    public func outcome(of input: [UInt8]) -> ProbeOutcome {
        let source = String(decoding: input.prefix { $0 != 0 }, as: UTF8.self)
        let rest = input.drop { $0 != 0 }.dropFirst()
        let conversation: TemplateValue
        do throws(JSONError) {
            conversation =
                rest.isEmpty ? Self.conversation : try TemplateValue(json: Array(rest))
        } catch {
            return .refused(by: error)
        }
        do throws(TemplateError) {
            return try outcome(of: source, conversation)
        } catch {
            guard error.line >= 1 else { return .changed("\(error)") }
            return .refused(by: error)
        }
    }

    private func outcome(
        of source: String,
        _ conversation: TemplateValue
    ) throws(TemplateError) -> ProbeOutcome {
        let template = try ChatTemplate(source: source, tokens: Self.tokens, limits: limits)
        let text = try text(of: conversation, template)
        guard text.utf8.count <= limits.outputByteCount else {
            return .changed("\(text.utf8.count) bytes came out")
        }
        guard try self.text(of: conversation, template) == text else {
            return .changed("another text came out the second time")
        }
        for format in [ToolCallFormat.tagged, .listed] {
            let whole = Self.events(of: [text], format)
            guard Self.events(of: text.unicodeScalars.map { String($0) }, format) == whole else {
                return .changed("calls depend on how the text is cut")
            }
        }
        return .read
    }

    private func text(
        of conversation: TemplateValue,
        _ template: ChatTemplate
    ) throws(TemplateError) -> String {
        var variables: TemplateDictionary = [:]
        if case .dictionary(let given) = conversation { variables = given }
        return try template.render(
            messages: conversation.list ?? conversation["messages"]?.list ?? [],
            tools: conversation["tools"]?.list ?? [],
            variables: variables,
            date: Self.date
        )
    }

    /// What a parser finds in pieces of text, texts side by side joined.
    private static func events(
        of pieces: [String],
        _ format: ToolCallFormat
    ) -> [ToolCallParser.Event] {
        var parser = ToolCallParser(format)
        var events = pieces.flatMap { parser.push($0) }
        events += parser.finish()
        var joined: [ToolCallParser.Event] = []
        for event in events {
            if case .text(let text) = event, case .text(let before) = joined.last {
                joined[joined.count - 1] = .text(before + text)
            } else {
                joined.append(event)
            }
        }
        return joined
    }
}
