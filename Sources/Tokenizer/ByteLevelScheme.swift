internal import Model

/// Byte-level BPE, as GPT-2 began it: text is cut into pieces, and in each piece bytes merge in
/// the order of a list.
///
/// Bytes that are not well-formed UTF-8 keep their value: each run of them is a piece of its own,
/// so decoding gives back any input, byte for byte. The text on either side is cut as if it ended
/// there.
struct ByteLevelScheme: Scheme {
    let bytes: [[UInt8]]
    let preTokenizer: PreTokenizer
    /// The token of each byte.
    private let byteTokens: [Int32]
    private let merges: PairMerges
    /// Whole pieces that are tokens; empty unless the pre-tokenizer takes them so.
    private let wholePieces: [ArraySlice<UInt8>: Int32]

    init(_ vocabulary: Vocabulary, _ table: TokenTable) throws(TokenizerError) {
        let preTokenizer = try PreTokenizer(named: vocabulary.preTokenizer)
        let ids = table.ids()
        self.preTokenizer = preTokenizer
        byteTokens = try Self.byteTokens(ids)
        merges = try PairMerges(vocabulary.merges, ids)

        let spelled = table.texts.map(ByteAlphabet.bytes(of:))
        bytes = table.texts.indices.map { id in
            switch table.kinds[id] {
            case .normal: spelled[id] ?? table.texts[id]
            case .control, .unknown, .userDefined: table.texts[id]
            case .byte, .unused: []
            }
        }
        var wholePieces: [ArraySlice<UInt8>: Int32] = [:]
        if preTokenizer.takesWholePieces {
            for (id, piece) in spelled.enumerated().reversed() where table.kinds[id] == .normal {
                if let piece {
                    wholePieces[piece[...]] = Int32(id)
                }
            }
        }
        self.wholePieces = wholePieces
    }

    private static func byteTokens(
        _ ids: [ArraySlice<UInt8>: Int32]
    ) throws(TokenizerError) -> [Int32] {
        let tokens = (0...UInt8.max).map { ids[ByteAlphabet.text(of: $0)[...]] }
        let missing = (0...UInt8.max).filter { tokens[Int($0)] == nil }
        guard missing.isEmpty else { throw .missingByteTokens(missing) }
        return tokens.compactMap(\.self)
    }

    func encode(
        _ text: [UInt8],
        in range: Range<Int>,
        startsText: Bool,
        into tokens: inout [Int32]
    ) throws(TokenizerError) {
        var merger = Merger()
        for run in UTF8Sequence.runs(of: text, in: range) {
            var pieces = [run.range]
            if run.isWellFormed {
                pieces = try preTokenizer.pieces(of: text, in: run.range)
            }
            for piece in pieces {
                encode(text, piece: piece, with: &merger, into: &tokens)
            }
        }
    }

    private func encode(
        _ text: [UInt8],
        piece: Range<Int>,
        with merger: inout Merger,
        into tokens: inout [Int32]
    ) {
        if !wholePieces.isEmpty, let token = wholePieces[text[piece]] {
            tokens.append(token)
            return
        }
        for position in piece {
            let token = byteTokens[Int(text[position])]
            merger.append(start: position - piece.lowerBound, byteCount: 1, token: token)
        }
        merger.merge(by: merges) { tokens.append($0.token) }
    }
}

/// The merges of byte-level BPE: which two tokens become which, and how soon.
private struct PairMerges: MergeRule {
    /// By the left token in the upper half and the right one in the lower.
    private var merges: [UInt64: Merge] = [:]

    /// Takes "left right" in order of rank, of equal pairs the first, and token ids by text.
    init(_ list: [[UInt8]], _ ids: [ArraySlice<UInt8>: Int32]) throws(TokenizerError) {
        merges.reserveCapacity(list.count)
        for (index, pair) in list.enumerated() {
            guard let priority = UInt32(exactly: index),
                let space = pair.dropFirst().firstIndex(of: UInt8(ascii: " "))
            else { throw .malformedMerge(index: index) }

            func id(_ text: ArraySlice<UInt8>) throws(TokenizerError) -> Int32 {
                guard let id = ids[text] else {
                    let token = String(decoding: text, as: UTF8.self)
                    throw .mergeNamesAbsentToken(index: index, token: token)
                }
                return id
            }
            let (left, right) = (pair[..<space], pair[(space + 1)...])
            let key = Self.key(try id(left), try id(right))
            let merge = Merge(priority: priority, token: try id(left + right))
            if merges[key] == nil {
                merges[key] = merge
            }
        }
    }

    func merge(_ left: Symbol, _ right: Symbol) -> Merge? {
        merges[Self.key(left.token, right.token)]
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }
}
