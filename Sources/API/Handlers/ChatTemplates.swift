import Coordinator
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
