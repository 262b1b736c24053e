import Model
import Testing
import Tokenizer

@Suite("Vocabularies")
struct VocabularyTests {
    @Test("An unknown tokenizer model is refused by name, with the known ones")
    func unknownModel() throws {
        let vocabulary = Vocabulary(model: "bert", tokens: [])
        #expect(throws: TokenizerError.unknownModel("bert", known: ["gpt2", "llama"])) {
            try Tokenizer(vocabulary)
        }
    }

    @Test("An unknown pre-tokenizer is refused by name, with the known ones")
    func unknownPreTokenizer() throws {
        var vocabulary = try Fixture("gpt-2").vocabulary
        vocabulary.preTokenizer = "kimi-k2"
        let error = #expect(throws: TokenizerError.self) { try Tokenizer(vocabulary) }
        guard case .unknownPreTokenizer("kimi-k2", let known) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(["gpt-2", "qwen2", "llama-bpe", "olmo", "default"].allSatisfy(known.contains))
        #expect(error?.description.contains("'kimi-k2'") == true)
    }

    @Test("What does not fit together is refused with what is wrong")
    func contradictions() throws {
        let sound = try Fixture("gpt-2").vocabulary
        let count = sound.tokens.count

        func expect(_ error: TokenizerError, _ change: (inout Vocabulary) -> Void) {
            var vocabulary = sound
            change(&vocabulary)
            #expect(throws: error) { try Tokenizer(vocabulary) }
        }
        expect(.wrongLength(array: "token types", count: 3, tokenCount: count)) {
            $0.types = [1, 1, 1]
        }
        expect(.wrongLength(array: "scores", count: 1, tokenCount: count)) { $0.scores = [0] }
        expect(.malformedMerge(index: 0)) { $0.merges = [Array("ab".utf8)] }
        expect(.malformedMerge(index: 0)) { $0.merges = [[]] }
        expect(.mergeNamesAbsentToken(index: 0, token: "☃")) { $0.merges = [Array("☃ a".utf8)] }
        expect(.mergeNamesAbsentToken(index: 0, token: "qqqq")) {
            $0.tokens[count - 1] = Array("qqq".utf8)
            $0.merges = [Array("q qqq".utf8)]
        }
        expect(.specialTokenOutsideVocabulary(name: "BOS", token: count, tokenCount: count)) {
            $0.bos = count
        }
        expect(.specialTokenOutsideVocabulary(name: "EOS", token: -1, tokenCount: count)) {
            $0.eos = -1
        }
        expect(.missingSpecialToken(name: "BOS")) {
            $0.bos = nil
            $0.addsBOS = true
        }
        expect(.missingByteTokens([UInt8(ascii: "!")])) { $0.tokens[0] = [] }
    }

    @Test("A vocabulary without byte tokens needs an unknown token")
    func unknownToken() throws {
        var vocabulary = Vocabulary(
            model: "llama",
            tokens: ["<unk>", "<s>", "</s>", "▁", "a", "▁a"].map { Array($0.utf8) },
            types: [2, 3, 3, 1, 1, 1],
            scores: [0, 0, 0, -2, -3, -1]
        )
        #expect(try Tokenizer(vocabulary).encode("a é") == [1, 5, 3, 0, 0])
        vocabulary.tokens = []
        vocabulary.types = []
        vocabulary.scores = []
        #expect(throws: TokenizerError.missingByteTokens(Array(0...255))) {
            try Tokenizer(vocabulary)
        }
    }

    @Test("Of two tokens with one text the lower id is encoded and both are decoded")
    func duplicates() throws {
        var vocabulary = try Fixture("gpt-2").vocabulary
        vocabulary.tokens.append(Array("!".utf8))
        vocabulary.types.append(1)
        let tokenizer = try Tokenizer(vocabulary)
        #expect(try tokenizer.encode("!") == [0])
        let duplicate = Int32(tokenizer.vocabularyCount - 1)
        #expect(tokenizer.decode([0, duplicate]) == Array("!!".utf8))
    }

    @Test("BOS and EOS stand where the vocabulary, or its kind, asks for them")
    func beginAndEnd() throws {
        var vocabulary = try Fixture("gpt-2").vocabulary
        vocabulary.bos = 5
        vocabulary.eos = 6
        #expect(try Tokenizer(vocabulary).encode("!") == [0])
        vocabulary.addsBOS = true
        vocabulary.addsEOS = true
        #expect(try Tokenizer(vocabulary).encode("!") == [5, 0, 6])
        #expect(try Tokenizer(vocabulary).encode("") == [5, 6])
        #expect(try Tokenizer(vocabulary).encode("!", addSpecial: false) == [0])
        vocabulary.addsBOS = nil
        vocabulary.addsEOS = nil
        vocabulary.preTokenizer = "llama-bpe"
        #expect(try Tokenizer(vocabulary).encode("!") == [5, 0])
        vocabulary.bos = nil
        #expect(try Tokenizer(vocabulary).encode("!") == [0])
    }

    @Test("A Llama vocabulary begins with BOS and a space, and decoding takes both away")
    func spacePrefix() throws {
        let tokenizer = try Tokenizer(Fixture("sentencepiece").vocabulary)
        let ids = try tokenizer.encode("the the")
        #expect(ids.first == tokenizer.bos)
        #expect(tokenizer.decode(ids) == Array("the the".utf8))
        #expect(tokenizer.decode(ids, includeSpecial: true) == Array("<s> the the".utf8))
        #expect(tokenizer.decode(ids, continuing: true) == Array(" the the".utf8))
        #expect(try tokenizer.encode("") == [1])
    }

    @Test("Plain text never becomes a control token, whatever the scores")
    func spelledControlTokens() throws {
        var vocabulary = try Fixture("sentencepiece").vocabulary
        vocabulary.tokens += ["<s", "</"].map { Array($0.utf8) }
        vocabulary.types += [1, 1]
        vocabulary.scores += [1, 1]
        let tokenizer = try Tokenizer(vocabulary)
        let ids = try tokenizer.encode("<s></s><0x41>", addSpecial: false)
        #expect(ids.allSatisfy { $0 > 4 })
        #expect(tokenizer.decode(ids) == Array("<s></s><0x41>".utf8))
        #expect(
            try tokenizer.encode("<s></s>", addSpecial: false, parseSpecial: true) == [1, 2]
        )
    }

    @Test("The longest special token wins")
    func longestSpecialToken() throws {
        let tokenizer = try Tokenizer(Fixture("qwen2").vocabulary)
        let ids = try tokenizer.encode("<|im_end|>\n<|im_end|>", parseSpecial: true)
        let pieces = ids.map { String(decoding: tokenizer.piece(of: $0), as: UTF8.self) }
        #expect(pieces == ["<|im_end|>\n", "<|im_end|>"])
    }

    @Test("An answer ends with EOS and with the ends of turns that chat models use")
    func endOfGeneration() throws {
        let tokenizer = try Tokenizer(Fixture("qwen2").vocabulary)
        func id(_ text: String) throws -> Int32 {
            try #require(try tokenizer.encode(text, parseSpecial: true).first)
        }
        #expect(tokenizer.isEndOfGeneration(try id("<|endoftext|>")))
        #expect(tokenizer.isEndOfGeneration(try id("<|im_end|>")))
        #expect(!tokenizer.isEndOfGeneration(try id("<|im_start|>")))
        #expect(!tokenizer.isEndOfGeneration(try id("<tool_call>")))
        #expect(!tokenizer.isEndOfGeneration(-1))
    }

    @Test("Ids outside the vocabulary stand for nothing")
    func strangeIDs() throws {
        let tokenizer = try Tokenizer(Fixture("gpt-2").vocabulary)
        #expect(tokenizer.decode([-1, .max, .min, 0]) == Array("!".utf8))
        #expect(tokenizer.piece(of: .min).isEmpty)
    }
}
