public import Model

/// Text to tokens and back, as a model's vocabulary says.
///
/// ```swift
/// let tokenizer = try Tokenizer(model.vocabulary)
/// let prompt = try tokenizer.encode("NAME\n       ls - ")
/// var decoder = StreamingDecoder(tokenizer, continuing: true)
/// print(decoder.push(nextToken), terminator: "")
/// ```
///
/// A value that never changes; any number of threads may use it at once.
public struct Tokenizer: Sendable {
    /// Longer texts are refused: merging needs some fifty bytes of memory for each byte of text.
    public static let textByteLimit = 32 << 20

    private static let models = ["gpt2", "llama"]

    private let scheme: any Scheme
    private let kinds: [TokenKind]
    private let specialTokens: SpecialTokens
    private let endOfGeneration: Set<Int32>
    private let stripsSpacePrefix: Bool

    /// The token in front of a text, if the model has one.
    public let bos: Int32?
    /// The token behind a text, if the model has one.
    public let eos: Int32?
    /// Whether `encode` with special tokens begins with BOS.
    public let addsBOS: Bool
    /// Whether `encode` with special tokens ends with EOS.
    public let addsEOS: Bool

    /// How many tokens there are; ids run from 0 to one less.
    public var vocabularyCount: Int { kinds.count }

    public init(_ vocabulary: Vocabulary) throws(TokenizerError) {
        guard Self.models.contains(vocabulary.model) else {
            throw .unknownModel(vocabulary.model, known: Self.models)
        }
        let isByteLevel = vocabulary.model == "gpt2"
        let table = try TokenTable(vocabulary)
        let ids = try SpecialIDs(vocabulary, table)
        let addsBOSByDefault: Bool
        if isByteLevel {
            let byteLevel = try ByteLevelScheme(vocabulary, table)
            scheme = byteLevel
            addsBOSByDefault = byteLevel.preTokenizer.addsBOS && ids.bos != nil
            stripsSpacePrefix = false
        } else {
            let pieces = try SentencePieceScheme(vocabulary, table, unknown: ids.unknown)
            scheme = pieces
            addsBOSByDefault = ids.bos != nil
            stripsSpacePrefix = pieces.addsSpacePrefix
        }
        kinds = table.kinds
        specialTokens = SpecialTokens(table)
        endOfGeneration = EndOfGeneration.tokens(
            table,
            areTyped: !vocabulary.types.isEmpty,
            declared: [ids.eos, ids.eot]
        )
        bos = ids.bos
        eos = ids.eos
        addsBOS = vocabulary.addsBOS ?? addsBOSByDefault
        addsEOS = vocabulary.addsEOS ?? false
        if addsBOS, bos == nil {
            throw .missingSpecialToken(name: "BOS")
        }
        if addsEOS, eos == nil {
            throw .missingSpecialToken(name: "EOS")
        }
    }

    /// The tokens of a text.
    ///
    /// - Parameters:
    ///   - text: bytes that should be UTF-8. Those that are not are kept, as byte tokens.
    ///   - addSpecial: puts BOS in front and EOS behind where the model asks for them.
    ///   - parseSpecial: turns control tokens spelled in the text into those tokens. For text of
    ///     our own, such as chat templates; not for what users write.
    /// - Returns: ids, each below `vocabularyCount`.
    /// - Throws: `textTooLong` above `textByteLimit`, `matchingFailed` if PCRE2 gives up.
    public func encode(
        _ text: [UInt8],
        addSpecial: Bool = true,
        parseSpecial: Bool = false
    ) throws(TokenizerError) -> [Int32] {
        guard text.count <= Self.textByteLimit else {
            throw .textTooLong(byteCount: text.count, limit: Self.textByteLimit)
        }
        var tokens: [Int32] = []
        if addSpecial, addsBOS, let bos {
            tokens.append(bos)
        }
        var startsText = true
        for fragment in specialTokens.fragments(of: text, parseSpecial: parseSpecial) {
            switch fragment {
            case .token(let token):
                tokens.append(token)
                startsText = true
            case .text(let range):
                try scheme.encode(text, in: range, startsText: startsText, into: &tokens)
                startsText = false
            }
        }
        if addSpecial, addsEOS, let eos {
            tokens.append(eos)
        }
        return tokens
    }

    /// The tokens of a string; see the same function of bytes.
    public func encode(
        _ text: String,
        addSpecial: Bool = true,
        parseSpecial: Bool = false
    ) throws(TokenizerError) -> [Int32] {
        try encode(Array(text.utf8), addSpecial: addSpecial, parseSpecial: parseSpecial)
    }

    /// The tokens of a conversation that a chat template made a text.
    ///
    /// Special tokens spelled in it become those tokens. BOS stands in front once where the model
    /// asks for it, whether the template writes it or not; nothing is put behind.
    public func encodeChat(_ text: String) throws(TokenizerError) -> [Int32] {
        let tokens = try encode(text, addSpecial: false, parseSpecial: true)
        guard addsBOS, let bos, tokens.first != bos else { return tokens }
        return [bos] + tokens
    }

    /// How a token is spelled where special tokens are, for chat templates.
    public func name(of token: Int32) -> String {
        String(decoding: piece(of: token), as: UTF8.self)
    }

    /// The bytes that tokens stand for; not always UTF-8, as a character may be several tokens.
    ///
    /// - Parameters:
    ///   - tokens: those that the vocabulary does not have stand for nothing.
    ///   - includeSpecial: writes control tokens by name instead of leaving them out.
    ///   - continuing: whether the tokens follow others. If not, the space that `encode` put in
    ///     front of the text is taken away again.
    /// - Returns: the bytes of all tokens, one after another.
    public func decode(
        _ tokens: [Int32],
        includeSpecial: Bool = false,
        continuing: Bool = false
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        var isStart = !continuing
        for token in tokens {
            bytes += piece(of: token, includeSpecial: includeSpecial, isStart: &isStart)
        }
        return bytes
    }

    /// The bytes of one token, its space prefix included.
    public func piece(of token: Int32, includeSpecial: Bool = true) -> ArraySlice<UInt8> {
        guard let id = Int(exactly: token), kinds.indices.contains(id),
            includeSpecial || !kinds[id].isSpecial
        else { return [] }
        return scheme.bytes[id][...]
    }

    /// The tokens with which the model says that it is done, in order.
    public var endTokens: [Int32] { endOfGeneration.sorted() }

    /// Whether the model is done once it has chosen a token.
    public func isEndOfGeneration(_ token: Int32) -> Bool {
        endOfGeneration.contains(token)
    }

    /// The bytes of a token in its place.
    ///
    /// `isStart` says that nothing was decoded yet; the first token that stands for something
    /// clears it.
    func piece(of token: Int32, includeSpecial: Bool, isStart: inout Bool) -> ArraySlice<UInt8> {
        let piece = piece(of: token, includeSpecial: includeSpecial)
        guard isStart, !piece.isEmpty else { return piece }
        isStart = false
        let hasPrefix = stripsSpacePrefix && piece.first == UInt8(ascii: " ")
        return hasPrefix ? piece.dropFirst() : piece
    }
}

/// The special tokens' ids, checked.
private struct SpecialIDs {
    let bos: Int32?
    let eos: Int32?
    let eot: Int32?
    let unknown: Int32?

    /// SentencePiece's own ids stand in where a "llama" vocabulary names none, as in llama.cpp.
    init(_ vocabulary: Vocabulary, _ table: TokenTable) throws(TokenizerError) {
        func standIn(_ token: Int) -> Int? {
            vocabulary.model == "llama" && token < vocabulary.tokens.count ? token : nil
        }
        bos = try table.checked(vocabulary.bos ?? standIn(1), name: "BOS")
        eos = try table.checked(vocabulary.eos ?? standIn(2), name: "EOS")
        eot = try table.checked(vocabulary.eot, name: "EOT")
        unknown = try table.checked(vocabulary.unknown ?? standIn(0), name: "unknown")
        _ = try table.checked(vocabulary.padding, name: "padding")
    }
}
