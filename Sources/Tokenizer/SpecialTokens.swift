/// Finds the tokens that are matched as they stand, before anything is cut or merged.
///
/// Tokens the vocabulary calls user-defined are always matched; control tokens and the unknown
/// token only where the caller trusts the text. At each place the longest one wins, and the
/// search goes on behind it.
struct SpecialTokens: Sendable {
    /// A stretch of text between special tokens, or such a token.
    enum Fragment: Equatable {
        case text(Range<Int>)
        case token(Int32)
    }

    /// One byte further along some token's text.
    private struct Step: Hashable {
        var node: Int32
        var byte: UInt8
    }

    /// What ends at a node of the trie.
    private struct Ending {
        /// The token to match always, if any.
        var userDefined: Int32?
        /// The token to match where special tokens are asked for.
        var any: Int32?
    }

    private var steps: [Step: Int32] = [:]
    private var endings: [Ending] = [Ending()]
    /// Whether some token begins with a byte: most places of a text are passed by on this.
    private var begins = [Bool](repeating: false, count: 256)

    init(_ table: TokenTable) {
        for (id, text) in table.texts.enumerated() where !text.isEmpty {
            switch table.kinds[id] {
            case .userDefined: insert(text, token: Int32(id), isUserDefined: true)
            case .control, .unknown: insert(text, token: Int32(id), isUserDefined: false)
            case .normal, .unused, .byte: continue
            }
        }
    }

    private mutating func insert(_ text: [UInt8], token: Int32, isUserDefined: Bool) {
        begins[Int(text[0])] = true
        var node: Int32 = 0
        for byte in text {
            let step = Step(node: node, byte: byte)
            if let next = steps[step] {
                node = next
                continue
            }
            node = Int32(truncatingIfNeeded: endings.count)
            steps[step] = node
            endings.append(Ending())
        }
        if isUserDefined, endings[Int(node)].userDefined == nil {
            endings[Int(node)].userDefined = token
        }
        if endings[Int(node)].any == nil {
            endings[Int(node)].any = token
        }
    }

    /// Cuts a text at its special tokens, in order and without loss.
    func fragments(of text: [UInt8], parseSpecial: Bool) -> [Fragment] {
        var fragments: [Fragment] = []
        var textStart = 0
        var position = 0
        while position < text.count {
            guard let match = longest(at: position, in: text, parseSpecial: parseSpecial) else {
                position += 1
                continue
            }
            if textStart < position {
                fragments.append(.text(textStart..<position))
            }
            fragments.append(.token(match.token))
            position = match.end
            textStart = position
        }
        if textStart < text.count {
            fragments.append(.text(textStart..<text.count))
        }
        return fragments
    }

    private func longest(
        at start: Int,
        in text: [UInt8],
        parseSpecial: Bool
    ) -> (token: Int32, end: Int)? {
        guard begins[Int(text[start])] else { return nil }
        var longest: (token: Int32, end: Int)?
        var node: Int32 = 0
        var position = start
        while position < text.count,
            let next = steps[Step(node: node, byte: text[position])]
        {
            node = next
            position += 1
            let ending = endings[Int(node)]
            if let token = parseSpecial ? ending.any : ending.userDefined {
                longest = (token, position)
            }
        }
        return longest
    }
}
