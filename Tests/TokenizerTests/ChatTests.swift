import Model
import Testing
import Tokenizer

@Suite("Text of chat templates")
struct ChatTests {
    private static let tokens = ["<unk>", "<s>", "</s>", "\u{2581}", "a", "e", "\u{2581}a"]

    private func tokenizer(addsBOS: Bool?) throws -> Tokenizer {
        try Tokenizer(
            Vocabulary(
                model: "llama",
                tokens: Self.tokens.map { Array($0.utf8) },
                types: [2, 3, 3, 1, 1, 1, 1],
                scores: [0, 0, 0, -2, -3, -4, -1],
                bos: 1,
                eos: 2,
                addsBOS: addsBOS,
                addsSpacePrefix: false
            )
        )
    }

    @Test("BOS stands in front once, whether the template writes it or not")
    func once() throws {
        let tokenizer = try tokenizer(addsBOS: true)
        #expect(try tokenizer.encodeChat("<s>a</s>") == [1, 4, 2])
        #expect(try tokenizer.encodeChat("a</s>") == [1, 4, 2])
        #expect(try tokenizer.encodeChat("") == [1])
    }

    @Test("A model that asks for no BOS has what the template writes")
    func without() throws {
        let tokenizer = try tokenizer(addsBOS: false)
        #expect(try tokenizer.encodeChat("a</s>") == [4, 2])
        #expect(try tokenizer.encodeChat("<s>a") == [1, 4])
    }

    @Test("Special tokens have names, and those that end answers are told")
    func names() throws {
        let tokenizer = try tokenizer(addsBOS: true)
        #expect(tokenizer.name(of: 1) == "<s>" && tokenizer.name(of: 2) == "</s>")
        #expect(tokenizer.endTokens == [2])
    }
}
