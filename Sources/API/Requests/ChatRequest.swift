import Generation
import Inference
import JSON

/// What `/v1/chat/completions` is asked for.
struct ChatRequest {
    var conversation: ChatConversation
    var model: String?
    var generation: GenerationFields

    init(_ body: JSONValue, limits: APILimits) throws(APIError) {
        var fields = try RequestFields(body)
        model = try fields.text("model")
        generation = try GenerationFields(
            &fields,
            limits: limits,
            lengthKeys: ["max_completion_tokens", "max_tokens"]
        )
        conversation = try ChatConversation(&fields)
        try readScores(&fields)
        try readCall()
        try fields.neutral("modalities", [["text"]], otherwise: "answers are text")
        try fields.neutral("store", [false], otherwise: "nothing is kept")
        try fields.neutral(
            "service_tier",
            ["auto", "default"],
            otherwise: "all requests are served alike"
        )
        try fields.finish()
    }

    private mutating func readScores(_ fields: inout RequestFields) throws(APIError) {
        let isWanted = try fields.bool("logprobs") ?? false
        let count = try fields.whole("top_logprobs", in: 0...GenerationFields.scoreLimit)
        guard isWanted || count ?? 0 == 0 else {
            throw .unsupported("top_logprobs", "it goes with \"logprobs\": true")
        }
        if isWanted { generation.sampling.scoreCount = count ?? 0 }
    }

    /// A call that must be made leaves the answer no other form than its own.
    private mutating func readCall() throws(APIError) {
        guard generation.form == .text || conversation.tools.isEmpty else {
            throw .unsupported("response_format", "a JSON object cannot call tools")
        }
        guard let call = conversation.call else { return }
        generation.form = call.form
    }
}

/// What the chat template is given.
struct ChatConversation {
    let messages: ChatMessages
    /// Empty where the model shall call none.
    var tools: [JSONValue] = []
    /// The tool that the answer must call.
    var call: ForcedCall?
    /// What else the template knows, such as `enable_thinking`.
    var variables: [JSONValue.Member] = []

    private static let toolLimit = 128

    init(_ fields: inout RequestFields) throws(APIError) {
        messages = try ChatMessages(&fields)
        try readTools(&fields)
        if let value = fields.value("chat_template_kwargs") {
            guard case .object(let members) = value else {
                throw fields.wrong("chat_template_kwargs", value, "an object")
            }
            variables = members
        }
    }

    private mutating func readTools(_ fields: inout RequestFields) throws(APIError) {
        let choice = fields.value("tool_choice") ?? "auto"
        _ = try fields.bool("parallel_tool_calls")
        var names: [String] = []
        if let value = fields.value("tools") {
            guard let elements = value.elements else {
                throw fields.wrong("tools", value, "an array of tools")
            }
            guard elements.count <= Self.toolLimit else {
                let allowed = "an array of at most \(Self.toolLimit)"
                throw fields.outOfRange("tools", "an array of \(elements.count)", allowed)
            }
            for (index, element) in elements.enumerated() {
                names.append(try Self.name(of: element, "tools[\(index)]"))
            }
            if choice != "none" { tools = elements }
        }
        call = try ForcedCall(choice, tools: names)
    }

    /// Checks a tool.
    private static func name(of tool: JSONValue, _ name: String) throws(APIError) -> String {
        guard var fields = RequestFields(tool, name: name) else {
            throw .wrongType(name, expected: "an object", found: tool.kind)
        }
        guard try fields.text("type") == "function" else {
            throw .unsupported("\(name).type", "tools are functions")
        }
        guard var function = try fields.object("function") else {
            throw .missingField("\(name).function")
        }
        guard let result = try function.text("name") else {
            throw .missingField("\(name).function.name")
        }
        _ = try function.text("description")
        _ = try function.object("parameters")
        try function.neutral("strict", [false], otherwise: "answers are not held to a schema")
        try function.finish()
        try fields.finish()
        return result
    }
}
