import Coordinator
import Foundation
import JSON
import Model
import Synchronization
import Templates
import Tokenizer

/// The chat template of the model that is served, read once.
final class ChatTemplates: Sendable {
    /// What the settings name instead of the model's own.
    private let override: String?
    private let read = Mutex<Result<ChatTemplate, APIError>?>(nil)

    init(override: String?) { self.override = override }

    /// - Throws: `APIError.noChat` where there is none that can be used.
    func template(of model: ServedModel) throws(APIError) -> ChatTemplate {
        let result = read.withLock { read in
            let result = read ?? make(model)
            read = result
            return result
        }
        return try result.get()
    }

    private func make(_ model: ServedModel) -> Result<ChatTemplate, APIError> {
        do {
            guard let source = try override ?? model.file.chatTemplate() else {
                return .failure(.noChat("the model's file has no chat template"))
            }
            return .success(try ChatTemplate(source: source, tokens: Self.tokens(of: model)))
        } catch {
            return .failure(.noChat("\(error)"))
        }
    }

    private static func tokens(of model: ServedModel) -> TemplateDictionary {
        func text(_ token: Int32?) -> TemplateValue {
            guard let token else { return "" }
            return .string(String(decoding: model.tokenizer.piece(of: token), as: UTF8.self))
        }
        return [
            "bos_token": text(model.tokenizer.bos), "eos_token": text(model.tokenizer.eos),
        ]
    }
}

extension ChatTemplate {
    /// The text that the model is to continue.
    func prompt(_ conversation: ChatConversation) throws(APIError) -> String {
        guard conversation.tools.isEmpty || takesTools else {
            throw .unsupported("tools", "the model's chat template takes none")
        }
        var variables: TemplateDictionary = [:]
        for member in conversation.variables {
            variables[member.key] = TemplateValue(member.value)
        }
        let text: String
        do throws(TemplateError) {
            text = try render(
                messages: conversation.messages.messages.map { TemplateValue($0) },
                tools: conversation.tools.map { TemplateValue($0) },
                variables: variables,
                date: TemplateDate(secondsSince1970: Int(Date().timeIntervalSince1970))
            )
        } catch {
            throw .template(error.description)
        }
        guard let call = conversation.call else { return text }
        guard let toolCallFormat else {
            let reason = "the chat template does not show how calls are written"
            throw .unsupported("tool_choice", reason)
        }
        return text + call.beginning(in: toolCallFormat)
    }
}
