/// Why a vocabulary cannot become a tokenizer, or a text cannot become tokens.
public enum TokenizerError: Error, Equatable, Sendable {
    case unknownModel(String, known: [String])
    case unknownPreTokenizer(String, known: [String])
    case vocabularyTooLarge(tokenCount: Int, limit: Int)
    /// An array that runs beside the tokens has another length than they have.
    case wrongLength(array: String, count: Int, tokenCount: Int)
    case malformedMerge(index: Int)
    case mergeNamesAbsentToken(index: Int, token: String)
    case specialTokenOutsideVocabulary(name: String, token: Int, tokenCount: Int)
    /// The vocabulary asks for a token around every text and does not say which one.
    case missingSpecialToken(name: String)
    case missingByteTokens([UInt8])
    case textTooLong(byteCount: Int, limit: Int)
    /// The installed PCRE2 does not know something that our pattern uses.
    case patternRefused(pattern: String, code: Int32, offset: Int)
    /// PCRE2 gave up on a text: its limit on steps or memory was reached.
    case matchingFailed(code: Int32)
}

extension TokenizerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownModel(let name, let known):
            "unknown tokenizer model '\(name)'; known are: \(known.joined(separator: ", "))"
        case .unknownPreTokenizer(let name, let known):
            "unknown pre-tokenizer '\(name)'; known are: \(known.joined(separator: ", "))"
        case .vocabularyTooLarge(let tokenCount, let limit):
            "the vocabulary has \(tokenCount) tokens, more than the limit of \(limit)"
        case .wrongLength(let array, let count, let tokenCount):
            "the vocabulary has \(count) \(array) for \(tokenCount) tokens"
        case .malformedMerge(let index):
            "merge \(index) is not two tokens with a space between them"
        case .mergeNamesAbsentToken(let index, let token):
            "merge \(index) needs the token '\(token)', which the vocabulary does not have"
        case .specialTokenOutsideVocabulary(let name, let token, let tokenCount):
            "the \(name) token is \(token), outside the vocabulary of \(tokenCount) tokens"
        case .missingSpecialToken(let name):
            "the vocabulary asks for a \(name) token with every text but names none"
        case .missingByteTokens(let bytes):
            "the vocabulary has no token for \(bytes.count) of the 256 bytes, "
                + "the first are \(Array(bytes.prefix(4)))"
        case .textTooLong(let byteCount, let limit):
            "the text has \(byteCount) bytes, more than the limit of \(limit); split it"
        case .patternRefused(let pattern, let code, let offset):
            "PCRE2 refuses the pattern '\(pattern)' at \(offset) with error \(code); "
                + "version 10.40 or later is needed"
        case .matchingFailed(let code):
            "PCRE2 gave up cutting the text into words with error \(code)"
        }
    }
}
