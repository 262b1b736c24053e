/// How a model writes calls of tools.
public enum ToolCallFormat: Equatable, Sendable {
    /// `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, as Hermes and Qwen do.
    case tagged
    /// `[TOOL_CALLS] [{"name": …, "arguments": {…}}, …]`, as Mistral does.
    case listed

    /// The format that a template uses for calls in the conversation so far; nil where it shows
    /// none of those known here.
    static func format(ofTemplate source: String) -> ToolCallFormat? {
        if source.contains("[TOOL_CALLS]") { return .listed }
        // GLM's tags hold no JSON.
        return source.contains("<tool_call>") && !source.contains("<arg_key>") ? .tagged : nil
    }

    /// What a call begins with; where it is a token of its own, it must be let out as text.
    public var opening: String {
        switch self {
        case .tagged: "<tool_call>"
        case .listed: "[TOOL_CALLS]"
        }
    }
}

/// A call of a tool that a model asked for.
public struct ToolCall: Equatable, Sendable {
    public var name: String
    /// A JSON object, as the OpenAI API hands it on.
    public var arguments: String

    public init(name: String, arguments: String) {
        self.name = name
        self.arguments = arguments
    }

    /// Of what a model wrote; nil for what is no call.
    init?(_ value: TemplateValue) {
        guard let name = value["name"]?.string, !name.isEmpty else { return nil }
        switch value["arguments"] ?? value["parameters"] ?? [:] {
        case .string(let text): self.init(name: name, arguments: text)
        case .dictionary(let entries):
            self.init(name: name, arguments: TemplateValue.dictionary(entries).json)
        default: return nil
        }
    }
}
