import JSON

/// In which form a template takes messages.
struct MessageForm: Equatable, Sendable {
    enum Content: Equatable, Sendable {
        case text
        /// A list of parts, each with its type.
        case parts
        case both
    }

    var content = Content.text
    /// Whether the arguments of a tool's call are a text, not a dictionary.
    var takesArgumentsAsText = false
    /// Whether a message without content has none; otherwise it has the empty text.
    var takesNoContent = true

    /// A message in this form.
    func adapted(_ message: TemplateValue) -> TemplateValue {
        guard case .dictionary(var entries) = message else { return message }
        if let value = entries["content"] { entries["content"] = adaptedContent(value) }
        if let calls = entries["tool_calls"]?.list {
            entries["tool_calls"] = .list(calls.map(adaptedCall))
            if entries["content"] == nil { entries["content"] = adaptedContent(.none) }
        }
        return .dictionary(entries)
    }

    private func adaptedContent(_ value: TemplateValue) -> TemplateValue {
        switch value {
        case .none: takesNoContent ? .none : ""
        case .string where content == .parts: [["type": "text", "text": value]]
        case .list(let parts) where content == .text: Self.text(of: parts) ?? value
        default: value
        }
    }

    /// The text of parts, where all of them are text.
    private static func text(of parts: [TemplateValue]) -> TemplateValue? {
        var text = ""
        for part in parts {
            guard part["type"]?.string == "text", let piece = part["text"]?.string else {
                return nil
            }
            text += piece
        }
        return .string(text)
    }

    /// Clients send arguments as the text that the model wrote; most templates want its value.
    private func adaptedCall(_ call: TemplateValue) -> TemplateValue {
        guard case .dictionary(var entries) = call,
            case .dictionary(var function) = entries["function"],
            let arguments = function["arguments"]
        else { return call }
        function["arguments"] = adaptedArguments(arguments)
        entries["function"] = .dictionary(function)
        return .dictionary(entries)
    }

    private func adaptedArguments(_ arguments: TemplateValue) -> TemplateValue {
        switch arguments {
        case .string(let text) where !takesArgumentsAsText:
            do throws(JSONError) {
                let value = try TemplateValue(json: text)
                // Only an object is what arguments are; anything else stays what was written.
                if case .dictionary = value { return value }
            } catch {
                return arguments
            }
            return arguments
        case .dictionary where takesArgumentsAsText: return .string(arguments.json)
        default: return arguments
        }
    }
}

/// Finds out in which form a template takes messages, by looking at what it makes of some.
struct TemplateProbe {
    let template: Template
    let tokens: TemplateDictionary

    private static let needle = "n33dle"
    private static let question: TemplateValue = ["role": "user", "content": "q"]
    private static let tool: TemplateValue = [
        "type": "function",
        "function": [
            "name": .string(needle),
            "description": "d",
            "parameters": ["type": "object", "properties": [:], "required": []],
        ],
    ]

    /// The text of messages; empty where the template refuses them.
    private func text(of messages: [TemplateValue], tools: [TemplateValue] = []) -> String {
        var all = tokens
        all["messages"] = .list(messages)
        all["tools"] = tools.isEmpty ? TemplateValue.none : .list(tools)
        all["documents"] = TemplateValue.none
        all["add_generation_prompt"] = true
        do throws(TemplateError) {
            return try template.render(all, date: TemplateDate(year: 2000, month: 1, day: 1))
        } catch {
            return ""
        }
    }

    private func shows(_ text: String) -> Bool { text.contains(Self.needle) }

    var takesTools: Bool { shows(text(of: [Self.question], tools: [Self.tool])) }

    func form() -> MessageForm {
        var form = MessageForm()
        let plain = text(of: [["role": "user", "content": .string(Self.needle)]])
        let parts: TemplateValue = [["type": "text", "text": .string(Self.needle)]]
        let listed = text(of: [["role": "user", "content": parts]])
        // Shown as they stand, parts were taken for a text.
        let takesParts = shows(listed) && !listed.contains("'text'") && !listed.contains("\"text\"")
        if takesParts { form.content = shows(plain) ? .both : .parts }
        form.takesArgumentsAsText = takesArgumentsAsText(form)
        let silent = text(of: call(content: .none, arguments: ["a": "b"], form))
        let quiet = text(of: call(content: "", arguments: ["a": "b"], form))
        form.takesNoContent = !silent.isEmpty && !silent.contains("None") || quiet.isEmpty
        return form
    }

    private func takesArgumentsAsText(_ form: MessageForm) -> Bool {
        let value: TemplateValue = ["key": .string(Self.needle)]
        let ofValue = text(of: call(content: "", arguments: value, form))
        // Python's own way of writing a dictionary is not what a model was trained on.
        guard !shows(ofValue) || ofValue.contains("'key'") else { return false }
        return shows(text(of: call(content: "", arguments: .string(value.json), form)))
    }

    private func call(
        content: TemplateValue,
        arguments: TemplateValue,
        _ form: MessageForm
    ) -> [TemplateValue] {
        let call: TemplateValue = [
            "id": "call12345", "type": "function",
            "function": ["name": "f", "arguments": arguments],
        ]
        let answer: TemplateValue = [
            "role": "assistant", "content": content, "tool_calls": [call],
        ]
        return [form.adapted(Self.question), answer]
    }
}
