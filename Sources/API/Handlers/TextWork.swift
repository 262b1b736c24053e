import Coordinator
import Foundation
import NIOPosix
import Requests
import Templates
import Tokenizer

/// Turns texts into tokens beside the threads that serve connections: a long one takes a while.
struct TextWork: Sendable {
    let tokenizer: Tokenizer
    private let threads = NIOThreadPool.singleton

    init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

    /// What the model is to continue, as text and as tokens; control tokens that the template
    /// spells are meant.
    func prompt(
        _ template: ChatTemplate,
        _ conversation: ChatConversation
    ) async throws(APIError) -> (text: String, tokens: [Int32]) {
        let tokenizer = tokenizer
        return try await work("messages") {
            let date = TemplateDate(secondsSince1970: Int(Date().timeIntervalSince1970))
            let text = try conversation.prompt(template, date: date)
            return (text, try tokenizer.encodeChat(text))
        }
    }

    /// - Parameters:
    ///   - field: what the texts are in the request.
    ///   - parseSpecial: whether control tokens spelled in a text are meant.
    func tokens(
        of texts: [String],
        field: String,
        addSpecial: Bool = true,
        parseSpecial: Bool = false
    ) async throws(APIError) -> [[Int32]] {
        let tokenizer = tokenizer
        return try await work(field) {
            try texts.map { text in
                try tokenizer.encode(text, addSpecial: addSpecial, parseSpecial: parseSpecial)
            }
        }
    }

    private func work<Result: Sendable>(
        _ field: String,
        _ body: @escaping @Sendable () throws -> Result
    ) async throws(APIError) -> Result {
        do {
            return try await threads.runIfActive(body)
        } catch let error as APIError {
            throw error
        } catch let error as BodyError {
            throw .body(error)
        } catch let error as TokenizerError {
            throw .text(field, error)
        } catch {
            throw .refused(.shuttingDown)
        }
    }
}
