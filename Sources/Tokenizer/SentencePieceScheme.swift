internal import Model

/// SentencePiece's BPE, as Llama 2 uses it: characters merge by the score of what they become.
///
/// Spaces are written "▁", one more goes in front of the text where the vocabulary says so, and
/// bytes that no token covers become byte tokens, or the unknown token where those are missing.
/// Bytes that are not well-formed UTF-8 are such bytes.
///
/// Control, unknown, byte and unused tokens never come out of a merge: plain text that spells
/// "</s>" does not become the token.
struct SentencePieceScheme: Scheme {
    let bytes: [[UInt8]]
    let addsSpacePrefix: Bool
    /// What each byte becomes that no other token covers.
    private let byteTokens: [Int32]
    private let merges: ScoreMerges

    /// "▁", which stands for a space.
    private static let space = Array("\u{2581}".utf8)

    init(
        _ vocabulary: Vocabulary,
        _ table: TokenTable,
        unknown: Int32?
    ) throws(TokenizerError) {
        addsSpacePrefix = vocabulary.addsSpacePrefix ?? true
        byteTokens = try Self.byteTokens(table, unknown: unknown)
        merges = ScoreMerges(vocabulary, table)
        bytes = zip(table.texts, table.kinds).map { text, kind in
            switch kind {
            case .normal: Self.unescape(text)
            case .byte: Self.byte(spelledBy: text).map { [$0] } ?? []
            case .control, .unknown, .userDefined: text
            case .unused: []
            }
        }
    }

    func encode(
        _ text: [UInt8],
        in range: Range<Int>,
        startsText: Bool,
        into tokens: inout [Int32]
    ) throws(TokenizerError) {
        let escaped = escape(text[range], withPrefix: startsText && addsSpacePrefix)
        var merger = Merger()
        var position = 0
        while position < escaped.count {
            let sequence = UTF8Sequence(at: position, in: escaped, end: escaped.count)
            let byteCount = sequence.isWellFormed ? sequence.byteCount : 1
            let bytes = escaped[position..<position + byteCount]
            let token = merges.ids[bytes] ?? Symbol.noToken
            merger.append(start: position, byteCount: byteCount, token: token)
            position += byteCount
        }
        merger.merge(by: TextMerges(text: escaped, merges: merges)) { symbol in
            guard symbol.token == Symbol.noToken else {
                tokens.append(symbol.token)
                return
            }
            let start = Int(symbol.start)
            for byte in escaped[start..<start + Int(symbol.byteCount)] {
                tokens.append(byteTokens[Int(byte)])
            }
        }
    }

    private func escape(_ text: ArraySlice<UInt8>, withPrefix: Bool) -> [UInt8] {
        var escaped = withPrefix ? Self.space : []
        escaped.reserveCapacity(text.count + Self.space.count)
        for byte in text {
            if byte == UInt8(ascii: " ") {
                escaped += Self.space
            } else {
                escaped.append(byte)
            }
        }
        return escaped
    }

    private static func unescape(_ text: [UInt8]) -> [UInt8] {
        text.replacing(space, with: [UInt8(ascii: " ")])
    }
}

extension SentencePieceScheme {
    /// Byte tokens are named "<0x00>" to "<0xFF>".
    private static func byteTokens(
        _ table: TokenTable,
        unknown: Int32?
    ) throws(TokenizerError) -> [Int32] {
        var tokens = [Int32?](repeating: nil, count: 256)
        for (id, text) in table.texts.enumerated().reversed() {
            if let byte = byte(spelledBy: text) {
                tokens[Int(byte)] = Int32(id)
            }
        }
        let missing = (0...UInt8.max).filter { tokens[Int($0)] == nil }
        guard missing.isEmpty || unknown != nil else { throw .missingByteTokens(missing) }
        return tokens.compactMap { $0 ?? unknown }
    }

    private static func byte(spelledBy text: [UInt8]) -> UInt8? {
        guard text.count == 6, text.starts(with: "<0x".utf8), text.last == UInt8(ascii: ">") else {
            return nil
        }
        let digits = text[3..<5].compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        return digits.count == 2 ? UInt8(digits[0] << 4 | digits[1]) : nil
    }
}

/// The tokens that merges may make, and how soon.
private struct ScoreMerges: Sendable {
    /// Tokens of plain text by their text.
    let ids: [ArraySlice<UInt8>: Int32]
    /// By token; the higher its score, the lower.
    let priorities: [UInt32]
    /// No longer text needs looking up.
    let longest: Int

    init(_ vocabulary: Vocabulary, _ table: TokenTable) {
        ids = table.ids { $0 == .normal || $0 == .userDefined }
        longest = ids.keys.map(\.count).max() ?? 0
        priorities =
            vocabulary.scores.isEmpty
            ? Array(repeating: 0, count: table.texts.count)
            : vocabulary.scores.map(Self.priority(of:))
    }

    /// Orders as the scores do, the other way round; what is not a number comes last.
    private static func priority(of score: Float) -> UInt32 {
        guard !score.isNaN else { return .max }
        // Adding zero turns -0 into +0: they are equal scores.
        let bits = (score + 0).bitPattern
        let isNegative = bits >> 31 == 1
        return isNegative ? bits : ~(bits | 1 << 31)
    }
}

/// Merges over one text.
private struct TextMerges: MergeRule {
    let text: [UInt8]
    let merges: ScoreMerges

    func merge(_ left: Symbol, _ right: Symbol) -> Merge? {
        let byteCount = Int(left.byteCount) + Int(right.byteCount)
        guard byteCount <= merges.longest else { return nil }
        let start = Int(left.start)
        guard let token = merges.ids[text[start..<start + byteCount]] else { return nil }
        return Merge(priority: merges.priorities[Int(token)], token: token)
    }
}
