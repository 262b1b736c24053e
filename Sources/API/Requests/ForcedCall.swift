import Generation
import JSON
import Templates

/// A call that an answer must make: it begins in the prompt, and the answer is the rest of it.
struct ForcedCall: Equatable {
    /// Whose arguments the answer is; nil where it names the tool as well.
    let name: String?
    /// Whether the client named the tool, and not only that there must be a call.
    let isNamed: Bool
    /// Those that may be called.
    private let tools: [String]

    /// - Parameters:
    ///   - choice: What a request says as `tool_choice`.
    ///   - tools: Names of the tools that there are.
    /// - Returns: nil where the model may choose.
    init?(_ choice: JSONValue, tools: [String]) throws(APIError) {
        self.tools = tools
        switch choice {
        case "auto", "none": return nil
        case "required":
            guard let first = tools.first else {
                throw .unsupported("tool_choice", "\"required\" takes tools")
            }
            name = tools.count == 1 ? first : nil
            isNamed = false
        default:
            let named = try Self.name(in: choice)
            name = named
            isNamed = true
            guard tools.contains(named) else {
                throw .outOfRange("tool_choice", value: named, allowed: "the name of a tool given")
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
        // No space at the end: the space in front of a word belongs to the word's token.
        let call = name.map { "{\"name\": \(Self.encoded($0)), \"arguments\":" } ?? ""
        return switch format {
        case .tagged: "\(format.opening)\n\(call)"
        case .listed: "\(format.opening) [\(call)"
        }
    }

    /// What the answer must be.
    var form: AnswerForm {
        guard name == nil else { return .object }
        let names = tools.map { Array(Self.encoded($0).utf8) }
        return .schema(
            .object([
                AnswerSchema.Property(key: Array("\"name\"".utf8), .literals(.init(names))),
                AnswerSchema.Property(key: Array("\"arguments\"".utf8), .anyObject),
            ])
        )
    }

    /// The call that an answer is.
    ///
    /// - Returns: nil where the answer ended before one could tell.
    func call(in answer: String) -> ToolCall? {
        if let name {
            return ToolCall(name: name, arguments: String(answer.drop { $0.isWhitespace }))
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

    private static func encoded(_ name: String) -> String {
        String(decoding: JSONValue.string(name).encoded, as: UTF8.self)
    }
}
