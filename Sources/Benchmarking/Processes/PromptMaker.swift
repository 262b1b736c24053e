import Model
public import Tokenizer

/// Texts of random words with a wanted number of tokens, for jobs that take text.
public struct PromptMaker {
    private let tokenizer: Tokenizer
    private let vocabularyCount: Int
    private var random: SeededRandom

    public init(_ tokenizer: Tokenizer, vocabularyCount: Int, seed: UInt64) {
        self.tokenizer = tokenizer
        self.vocabularyCount = vocabularyCount
        random = SeededRandom(seed: seed)
    }

    /// A text of `count` tokens, or as near as a few attempts come.
    public mutating func prompt(tokenCount: Int) throws(TokenizerError) -> String {
        var pieces: [String] = []
        var length = 0
        // Tokens side by side merge, so pieces are added and taken away until it fits.
        for _ in 0..<64 where length != tokenCount {
            if length > tokenCount {
                pieces.removeLast(min(pieces.count - 1, length - tokenCount))
            } else {
                for _ in 0..<max(1, (tokenCount - length) / 2) { pieces.append(word()) }
            }
            length = try tokenCountOf(pieces)
        }
        // Digits are tokens of their own in most vocabularies.
        for _ in 0..<tokenCount where length < tokenCount {
            pieces.append("\(random.next() % 10)")
            length = try tokenCountOf(pieces)
        }
        return pieces.joined()
    }

    private func tokenCountOf(_ pieces: [String]) throws(TokenizerError) -> Int {
        try tokenizer.encode(Array(pieces.joined().utf8), addSpecial: true, parseSpecial: false)
            .count
    }

    /// A space and a token that is letters.
    private mutating func word() -> String {
        for _ in 0..<64 {
            let token = Int32(random.next() % UInt64(vocabularyCount))
            let text = String(decoding: tokenizer.decode([token]), as: UTF8.self)
            let letters = text.drop { $0 == " " }
            if !letters.isEmpty, letters.allSatisfy({ $0.isASCII && $0.isLetter }) {
                return " " + letters
            }
        }
        return " a"
    }
}
