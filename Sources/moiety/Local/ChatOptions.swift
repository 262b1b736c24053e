import ArgumentParser
import Foundation
import Model
import Templates
import Tokenizer

/// Asks the model in the form of a conversation.
struct ChatOptions: ParsableArguments {
    @Flag(help: "Ask with the model's chat template: the prompt is the user's message.")
    var chat = false

    @Option(help: "A file with another chat template (Jinja), or the name of one in the model.")
    var chatTemplate: String?

    @Option(help: "What the system tells the model in front of the conversation.")
    var system: String?

    var isChat: Bool { chat || chatTemplate != nil || system != nil }

    /// The tokens of a conversation that has one message of the user's.
    func tokens(
        of text: [UInt8],
        _ tokenizer: Tokenizer,
        _ file: ModelFile
    ) throws -> [Int32] {
        var messages: [TemplateValue] = []
        if let system { messages.append(["role": "system", "content": .string(system)]) }
        let content = String(decoding: text, as: UTF8.self)
        messages.append(["role": "user", "content": .string(content)])
        var names: TemplateDictionary = [:]
        if let bos = tokenizer.bos { names["bos_token"] = .string(tokenizer.name(of: bos)) }
        if let eos = tokenizer.eos { names["eos_token"] = .string(tokenizer.name(of: eos)) }
        let template = try ChatTemplate(source: try source(file), tokens: names)
        return try tokenizer.encodeChat(template.render(messages: messages, date: Self.today))
    }

    private func source(_ file: ModelFile) throws -> String {
        guard let chatTemplate else {
            if let source = try file.chatTemplate() { return source }
            throw CommandFailure(
                "the model has no chat template; give one with --chat-template, or no --chat",
                code: CommandFailure.dataError
            )
        }
        if let source = try file.namedChatTemplates()[chatTemplate] { return source }
        return String(decoding: try InputFile.read(chatTemplate), as: UTF8.self)
    }

    /// On this machine's clock.
    private static var today: TemplateDate {
        let now = Date()
        let seconds = now.timeIntervalSince1970 + Double(TimeZone.current.secondsFromGMT(for: now))
        return TemplateDate(secondsSince1970: Int(seconds))
    }
}
