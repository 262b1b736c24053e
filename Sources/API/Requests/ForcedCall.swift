import JSON
import Templates

/// A call that an answer must make: it begins in the prompt, and the answer is its arguments.
struct ForcedCall: Equatable {
    let name: String
    /// Whether the client named the tool, and not only that there must be a call.
    let isNamed: Bool

    /// - Parameters:
    ///   - choice: What a request says as `tool_choice`.
    ///   - tools: Names of the tools that there are.
    /// - Returns: nil where the model may choose.
    init?(_ choice: JSONValue, tools: [String]) throws(APIError) {
        switch choice {
        case "auto", "none": return nil
        case "required":
            guard let only = tools.first, tools.count == 1 else {
                throw .unsupported("tool_choice", "\"required\" takes exactly one tool; name one")
            }
            name = only
            isNamed = false
        default:
            name = try Self.name(in: choice)
            isNamed = true
            guard tools.contains(name) else {
                throw .outOfRange("tool_choice", value: name, allowed: "the name of a tool given")
            }
        }
    }

    private static func name(in choice: JSONValue) throws(APIError) -> String {
        guard var fields = RequestFields(choice, name: "tool_choice") else {
            let expected = "auto, none, required or a function"
            guard let text = choice.text else {
                throw .wrongType("tool_choice", expected: expected, found: choice.kind)
            }
            throw .outOfRange("tool_choice", value: text, allowed: expected)
        }
        guard try fields.text("type") == "function", var function = try fields.object("function")
        else { throw .unsupported("tool_choice", "tools are functions") }
        guard let name = try function.text("name") else {
            throw .missingField("tool_choice.function.name")
        }
        try function.finish()
        try fields.finish()
        return name
    }

    /// What the model has written of the call before its answer begins.
    func beginning(in format: ToolCallFormat) -> String {
        let name = String(decoding: JSONValue.string(name).encoded, as: UTF8.self)
        // No space at the end: the space in front of a word belongs to the word's token.
        let call = "{\"name\": \(name), \"arguments\":"
        return switch format {
        case .tagged: "\(format.opening)\n\(call)"
        case .listed: "\(format.opening) [\(call)"
        }
    }
}
