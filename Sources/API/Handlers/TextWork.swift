import Coordinator
import NIOPosix
import Tokenizer

/// Turns texts into tokens beside the threads that serve connections: a long one takes a while.
struct TextWork: Sendable {
    let tokenizer: Tokenizer
    private let threads = NIOThreadPool.singleton

    init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

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
        do {
            return try await threads.runIfActive {
                try texts.map { text in
                    try tokenizer.encode(text, addSpecial: addSpecial, parseSpecial: parseSpecial)
                }
            }
        } catch let error as TokenizerError {
            throw .text(field, error)
        } catch {
            throw .refused(.shuttingDown)
        }
    }
}
