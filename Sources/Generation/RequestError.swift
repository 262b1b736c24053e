public import Inference

extension GenerationRequest {
    /// Stop texts of a request and their length: every token is compared with all of them.
    private static let stopTextLimit = 16
    private static let stopTextByteCount = 256

    /// Checks all that does not depend on other requests.
    ///
    /// - Parameters:
    ///   - contextLength: Most positions of a sequence, prompt and answer together.
    ///   - vocabularyCount: The number of tokens that there are.
    /// - Throws: what is wrong with the request.
    public func validate(contextLength: Int, vocabularyCount: Int) throws(RequestError) {
        guard !prompt.isEmpty else { throw .emptyPrompt }
        guard prompt.count < contextLength else {
            throw .promptTooLong(prompt.count, contextLength: contextLength)
        }
        guard (maximumTokens ?? 1) > 0 else { throw .noTokensWanted }
        guard stopTexts.count <= Self.stopTextLimit,
            stopTexts.allSatisfy({ $0.utf8.count <= Self.stopTextByteCount })
        else { throw .stopTexts(count: Self.stopTextLimit, byteCount: Self.stopTextByteCount) }
        do throws(SamplingError) {
            try sampling.validate()
        } catch {
            throw .sampling(error)
        }
        let named = [prompt, resumed, sampling.stopTokens, sampling.logitBias.keys.sorted()]
        let tokens = named.joined()
        if let bad = tokens.first(where: { $0 < 0 || $0 >= vocabularyCount }) {
            throw .unknownToken(bad, vocabularyCount: vocabularyCount)
        }
    }
}

/// Why a request was not taken.
public enum RequestError: Error, Equatable, CustomStringConvertible {
    case emptyPrompt
    case promptTooLong(Int, contextLength: Int)
    case noTokensWanted
    case sampling(SamplingError)
    case unknownToken(Int32, vocabularyCount: Int)
    case stopTexts(count: Int, byteCount: Int)
    case queueFull(Int)

    public var description: String {
        switch self {
        case .emptyPrompt: "the prompt has no tokens; give some text"
        case .promptTooLong(let count, let room):
            "the prompt has \(count) tokens, the context only \(room), and one is needed to "
                + "answer; shorten the prompt, or allow a longer context"
        case .noTokensWanted: "at least one token must be asked for"
        case .sampling(let error): error.description
        case .unknownToken(let token, let count):
            "token \(token) is not in the vocabulary of \(count)"
        case .stopTexts(let count, let byteCount):
            "there may be \(count) stop texts of up to \(byteCount) bytes"
        case .queueFull(let limit): "the queue of \(limit) jobs is full; try again later"
        }
    }
}
