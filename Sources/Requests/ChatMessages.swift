import JSON

/// The conversation that a chat request brings, checked.
struct ChatMessages: Equatable {
    /// As templates take them: `role`, `content`, and what goes with tools.
    let messages: [JSONValue]

    private static let countLimit = 4096
    /// OpenAI's, and its new name for the first.
    private static let roles = ["system", "developer", "user", "assistant", "tool"]

    init(_ fields: inout RequestFields) throws(BodyError) {
        guard let value = fields.value("messages") else { throw .missingField("messages") }
        guard let elements = value.elements else {
            throw fields.wrong("messages", value, "an array of messages")
        }
        guard (1...Self.countLimit).contains(elements.count) else {
            throw fields.outOfRange(
                "messages",
                "an array of \(elements.count)",
                "an array of 1 to \(Self.countLimit) messages"
            )
        }
        var messages: [JSONValue] = []
        for (index, element) in elements.enumerated() {
            messages.append(try Self.message(element, "messages[\(index)]"))
        }
        self.messages = messages
    }

    private static func message(_ value: JSONValue, _ name: String) throws(BodyError) -> JSONValue {
        guard var fields = RequestFields(value, name: name) else {
            throw .wrongType(name, expected: "an object", found: value.kind)
        }
        guard let role = try fields.text("role") else { throw .missingField("\(name).role") }
        guard roles.contains(role) else {
            throw fields.outOfRange("role", role, "one of \(roles.joined(separator: ", "))")
        }
        var members: [JSONValue.Member] = [
            .init("role", .string(role == "developer" ? "system" : role)),
            .init("content", try content(&fields)),
        ]
        if let name = try fields.text("name") { members.append(.init("name", .string(name))) }
        if let id = try fields.text("tool_call_id") {
            members.append(.init("tool_call_id", .string(id)))
        }
        if let calls = fields.value("tool_calls") {
            members.append(.init("tool_calls", try Self.calls(calls, "\(name).tool_calls")))
        }
        // What answers of other servers have, empty, and clients send back.
        for key in ["refusal", "annotations", "audio", "function_call", "reasoning_content"] {
            try fields.neutral(key, [[]], otherwise: "messages are text and calls of tools")
        }
        try fields.finish()
        return .object(members)
    }

    /// A text, or parts that are texts, which stay apart: some templates tell them apart.
    private static func content(_ fields: inout RequestFields) throws(BodyError) -> JSONValue {
        guard let value = fields.value("content") else { return .null }
        switch value {
        case .string: return value
        case .array(let parts):
            for (index, part) in parts.enumerated() {
                let name = fields.name("content[\(index)]")
                guard var part = RequestFields(part, name: name) else {
                    throw .wrongType(name, expected: "an object", found: part.kind)
                }
                guard try part.text("type") == "text" else {
                    throw .unsupported("\(name).type", "parts must be text")
                }
                guard try part.text("text") != nil else { throw .missingField("\(name).text") }
                try part.finish()
            }
            return value
        default: throw fields.wrong("content", value, "a string or an array of parts")
        }
    }

    private static func calls(_ value: JSONValue, _ name: String) throws(BodyError) -> JSONValue {
        guard let elements = value.elements else {
            throw .wrongType(name, expected: "an array of calls", found: value.kind)
        }
        for (index, element) in elements.enumerated() {
            let name = "\(name)[\(index)]"
            guard var call = RequestFields(element, name: name) else {
                throw .wrongType(name, expected: "an object", found: element.kind)
            }
            _ = try call.text("id")
            _ = try call.text("type")
            _ = try call.whole("index", in: 0...Int(Int32.max))
            guard var function = try call.object("function") else {
                throw .missingField("\(name).function")
            }
            guard try function.text("name") != nil, try function.text("arguments") != nil else {
                throw .missingField("\(name).function.name or arguments")
            }
            try function.finish()
            try call.finish()
        }
        return value
    }
}
