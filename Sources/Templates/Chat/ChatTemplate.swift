/// A model's chat template: makes a conversation the text that the model was trained on.
///
/// ```swift
/// let template = try ChatTemplate(source: text, tokens: ["bos_token": "<s>"])
/// let prompt = try template.render(messages: [["role": "user", "content": "Hi"]])
/// ```
///
/// Messages are those of the OpenAI API. Templates differ in what they take of them; what a
/// template does with a few small conversations tells, when it is read, in which form it wants
/// the rest.
public struct ChatTemplate: Sendable {
    private let template: Template
    private let tokens: TemplateDictionary
    private let form: MessageForm

    /// Whether tools that are given show in the text; otherwise the model never hears of them.
    public let takesTools: Bool
    /// How the model writes calls of tools, as far as the template tells.
    public let toolCallFormat: ToolCallFormat?

    /// Reads a template.
    ///
    /// - Parameters:
    ///   - tokens: the texts of special tokens by the names that templates know them by, such as
    ///     `bos_token` and `eos_token`.
    /// - Throws: what is wrong with its text, and in which line.
    public init(
        source: String,
        tokens: TemplateDictionary = [:],
        limits: Limits = Limits()
    ) throws(TemplateError) {
        template = try Template(source, limits: limits)
        self.tokens = tokens
        let probe = TemplateProbe(template: template, tokens: tokens)
        form = probe.form()
        takesTools = probe.takesTools
        toolCallFormat = ToolCallFormat.format(ofTemplate: source)
    }

    /// The text of a conversation.
    ///
    /// - Parameters:
    ///   - messages: dictionaries with `role`, `content` and so on.
    ///   - tools: as in the OpenAI API; none where empty.
    ///   - addGenerationPrompt: ends with the beginning of the assistant's answer.
    ///   - variables: what else the template knows, such as `enable_thinking`.
    ///   - date: for templates that tell the model today's.
    /// - Throws: why the template refuses the conversation, or a limit.
    public func render(
        messages: [TemplateValue],
        tools: [TemplateValue] = [],
        addGenerationPrompt: Bool = true,
        variables: TemplateDictionary = [:],
        date: TemplateDate? = nil
    ) throws(TemplateError) -> String {
        var all = tokens
        for (name, value) in variables.entries { all[name] = value }
        all["messages"] = .list(messages.map(form.adapted))
        all["tools"] = tools.isEmpty ? TemplateValue.none : .list(tools)
        if all["documents"] == nil { all["documents"] = TemplateValue.none }
        all["add_generation_prompt"] = .bool(addGenerationPrompt)
        return try template.render(all, date: date)
    }
}
