internal import Model

/// What a token is for.
enum TokenKind: Sendable {
    case normal
    case unknown
    case control
    case userDefined
    case unused
    case byte

    /// - Parameter type: GGML's number; what it does not define counts as unused.
    init(type: Int32) {
        switch type {
        case 1: self = .normal
        case 2: self = .unknown
        case 3: self = .control
        case 4: self = .userDefined
        case 6: self = .byte
        default: self = .unused
        }
    }

    /// Whether its text is a name, which only shows where special tokens are asked for.
    var isSpecial: Bool {
        self == .control || self == .unknown
    }
}

/// The checked tokens of a vocabulary: text and kind by id, id by text.
struct TokenTable: Sendable {
    /// Token ids are 32 bits wide; no vocabulary comes near this.
    static let tokenLimit = 1 << 24

    let texts: [[UInt8]]
    let kinds: [TokenKind]

    init(_ vocabulary: Vocabulary) throws(TokenizerError) {
        let tokenCount = vocabulary.tokens.count
        guard tokenCount <= Self.tokenLimit else {
            throw .vocabularyTooLarge(tokenCount: tokenCount, limit: Self.tokenLimit)
        }
        for (array, count) in [
            ("token types", vocabulary.types.count), ("scores", vocabulary.scores.count),
        ] where count != 0 && count != tokenCount {
            throw .wrongLength(array: array, count: count, tokenCount: tokenCount)
        }
        texts = vocabulary.tokens
        kinds =
            vocabulary.types.isEmpty
            ? Array(repeating: .normal, count: tokenCount)
            : vocabulary.types.map(TokenKind.init(type:))
    }

    /// Ids by text, of the tokens that a condition admits; equal texts go to the lowest id.
    func ids(where admits: (TokenKind) -> Bool = { _ in true }) -> [ArraySlice<UInt8>: Int32] {
        var ids: [ArraySlice<UInt8>: Int32] = [:]
        ids.reserveCapacity(texts.count)
        for (id, text) in texts.enumerated().reversed() where admits(kinds[id]) && !text.isEmpty {
            ids[text[...]] = Int32(id)
        }
        return ids
    }

    /// Checks a special token's id.
    func checked(_ token: Int?, name: String) throws(TokenizerError) -> Int32? {
        guard let token else { return nil }
        guard texts.indices.contains(token) else {
            throw .specialTokenOutsideVocabulary(
                name: name,
                token: token,
                tokenCount: texts.count
            )
        }
        return Int32(token)
    }
}

/// One way of turning text into tokens and tokens into bytes.
protocol Scheme: Sendable {
    /// The bytes that each token of plain text stands for, by id.
    var bytes: [[UInt8]] { get }

    /// Appends the tokens of a range that holds no special token.
    ///
    /// `startsText` says that the range begins the text or follows a special token.
    func encode(
        _ text: [UInt8],
        in range: Range<Int>,
        startsText: Bool,
        into tokens: inout [Int32]
    ) throws(TokenizerError)
}
