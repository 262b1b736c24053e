import Generation
package import JSON
package import Templates

/// What the chat template is given.
package struct ChatConversation: Sendable {
    let messages: ChatMessages
    /// As the request has them; empty where the model shall call none.
    package private(set) var tools: [JSONValue] = []
    /// The same, read.
    private var functions: [ToolFunction] = []
    /// The tool that the answer must call.
    package private(set) var call: ForcedCall?
    private var isParallel = true
    /// What else the template knows, such as `enable_thinking`.
    private var variables: [JSONValue.Member] = []

    private static let toolLimit = 128

    /// What `/apply-template` is asked for.
    package init(_ body: JSONValue) throws(BodyError) {
        var fields = try RequestFields(body)
        try self.init(&fields)
        try fields.finish()
    }

    init(_ fields: inout RequestFields) throws(BodyError) {
        messages = try ChatMessages(&fields)
        try readTools(&fields)
        if let value = fields.value("chat_template_kwargs") {
            guard case .object(let members) = value else {
                throw fields.wrong("chat_template_kwargs", value, "an object")
            }
            variables = members
        }
    }

    private mutating func readTools(_ fields: inout RequestFields) throws(BodyError) {
        let choice = fields.value("tool_choice") ?? "auto"
        isParallel = try fields.bool("parallel_tool_calls") ?? true
        var functions: [ToolFunction] = []
        if let value = fields.value("tools") {
            guard let elements = value.elements else {
                throw fields.wrong("tools", value, "an array of tools")
            }
            guard elements.count <= Self.toolLimit else {
                let allowed = "an array of at most \(Self.toolLimit)"
                throw fields.outOfRange("tools", "an array of \(elements.count)", allowed)
            }
            for (index, element) in elements.enumerated() {
                functions.append(try ToolFunction(element, "tools[\(index)]"))
            }
            try Self.requireOwnNames(functions)
            if choice != "none" { (tools, self.functions) = (elements, functions) }
        }
        call = try ForcedCall(choice, functions)
    }

    /// What the arguments of a call are held to is told by its name.
    private static func requireOwnNames(_ functions: [ToolFunction]) throws(BodyError) {
        guard functions.contains(where: \.isStrict) else { return }
        var names: Set<String> = []
        for (index, function) in functions.enumerated() {
            guard names.insert(function.name).inserted else {
                throw .outOfRange(
                    "tools[\(index)].function.name",
                    value: function.name,
                    allowed: "another name than those of tools before it, where some are strict"
                )
            }
        }
    }

    /// What the answer is held to for the sake of tools; nil where it is free.
    ///
    /// - Parameter format: how the template writes calls; nil where it does not show that.
    func form(writtenAs format: ToolCallFormat?) throws(BodyError) -> AnswerForm? {
        if let call { return call.form }
        let strict = functions.firstIndex(where: \.isStrict)
        guard let format else {
            guard let strict else { return nil }
            throw .unsupported("tools[\(strict)].function.strict", Self.unknownFormat)
        }
        guard !functions.isEmpty, strict != nil || !isParallel else { return nil }
        let call = AnswerSchema.call(of: functions)
        let limit = isParallel ? nil : 1
        let schema: AnswerSchema =
            switch format {
            case .tagged: call
            case .listed: .array(call, counts: 1...(limit ?? Int(Int32.max)))
            }
        return .calls(CallForm(opening: Array(format.opening.utf8), schema, limit: limit))
    }

    private static let unknownFormat = "the chat template does not show how calls are written"

    /// The text that the model is to continue.
    ///
    /// - Parameter date: for templates that tell the model today's.
    package func prompt(
        _ template: ChatTemplate,
        date: TemplateDate
    ) throws(BodyError) -> String {
        guard tools.isEmpty || template.takesTools else {
            throw .unsupported("tools", "the model's chat template takes none")
        }
        var variables: TemplateDictionary = [:]
        for member in self.variables { variables[member.key] = TemplateValue(member.value) }
        let text: String
        do throws(TemplateError) {
            text = try template.render(
                messages: messages.messages.map { TemplateValue($0) },
                tools: tools.map { TemplateValue($0) },
                variables: variables,
                date: date
            )
        } catch {
            throw .template(error.description)
        }
        guard let call else { return text }
        guard let format = template.toolCallFormat else {
            throw .unsupported("tool_choice", Self.unknownFormat)
        }
        return text + call.beginning(in: format)
    }
}
