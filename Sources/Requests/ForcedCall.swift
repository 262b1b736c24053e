import Generation
import JSON
package import Templates

/// A call that an answer must make: it begins in the prompt, and the answer is the rest of it.
package struct ForcedCall: Equatable, Sendable {
    /// Whose arguments the answer is; nil where it names the tool as well.
    private let function: ToolFunction?
    /// Whether the client named the tool, and not only that there must be a call.
    package let isNamed: Bool
    /// Those that may be called.
    private let functions: [ToolFunction]

    /// - Parameters:
    ///   - choice: What a request says as `tool_choice`.
    ///   - functions: Those that there are.
    /// - Returns: nil where the model may choose.
    init?(_ choice: JSONValue, _ functions: [ToolFunction]) throws(BodyError) {
        self.functions = functions
        switch choice {
        case "auto", "none": return nil
        case "required":
            guard let first = functions.first else {
                throw .unsupported("tool_choice", "\"required\" takes tools")
            }
            function = functions.count == 1 ? first : nil
            isNamed = false
        default:
            let name = try Self.name(in: choice)
            guard let named = functions.first(where: { $0.name == name }) else {
                throw .outOfRange("tool_choice", value: name, allowed: "the name of a tool given")
            }
            function = named
            isNamed = true
        }
    }

    private static func name(in choice: JSONValue) throws(BodyError) -> String {
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
        // No space at the end: the space in front of a word belongs to the word's token.
        let name = function.map { JSONValue.string($0.name).encoded } ?? []
        let call =
            name.isEmpty
            ? "" : "{\"name\": \(String(decoding: name, as: UTF8.self)), \"arguments\":"
        return switch format {
        case .tagged: "\(format.opening)\n\(call)"
        case .listed: "\(format.opening) [\(call)"
        }
    }

    /// What the answer must be.
    var form: AnswerForm {
        .schema(function?.arguments ?? .call(of: functions))
    }

    /// The call that an answer is.
    ///
    /// - Returns: nil where the answer ended before one could tell.
    package func call(in answer: String) -> ToolCall? {
        if let function {
            return ToolCall(name: function.name, arguments: String(answer.drop { $0.isWhitespace }))
        }
        let call: JSONValue
        do throws(JSONError) {
            call = try JSONValue(parsing: Array(answer.utf8))
        } catch {
            return nil
        }
        guard let name = call["name"]?.text, let arguments = call["arguments"] else { return nil }
        return ToolCall(name: name, arguments: String(decoding: arguments.encoded, as: UTF8.self))
    }
}
