import Model
import Testing
import Tokenizer

@Suite("Tokens are those of other engines")
struct ExactIDTests {
    @Test("Every text has the ids that PyPI's engines give it", arguments: Fixture.names)
    func sameIDs(name: String) throws {
        let fixture = try Fixture(name)
        let tokenizer = try Tokenizer(fixture.vocabulary)
        let texts = try Fixture.texts()
        let cases = try #require(fixture.cases)
        #expect(cases.count > 30)
        for item in cases {
            let text = try #require(texts[item.name])
            let ids = try tokenizer.encode(text, addSpecial: false)
            #expect(ids == item.ids, "\(item.name): \(text.debugDescription)")
        }
    }

    @Test("Special tokens in a text become themselves only where asked for")
    func parsedSpecialTokens() throws {
        let fixture = try Fixture("qwen2")
        let tokenizer = try Tokenizer(fixture.vocabulary)
        let texts = try Fixture.texts()
        let item = try #require(fixture.cases?.first { $0.parsedIDs != nil })
        let text = try #require(texts[item.name])
        #expect(try tokenizer.encode(text, addSpecial: false) == item.ids)
        let parsed = try tokenizer.encode(text, addSpecial: false, parseSpecial: true)
        #expect(parsed == item.parsedIDs)
    }

    @Test("Bytes that are not UTF-8 become byte tokens", arguments: Fixture.byteLevelNames)
    func invalidBytes(name: String) throws {
        let fixture = try Fixture(name)
        let tokenizer = try Tokenizer(fixture.vocabulary)
        for item in try #require(fixture.invalid) {
            let ids = try tokenizer.encode(item.bytes, addSpecial: false)
            #expect(ids == item.ids, "\(item.hex)")
            #expect(tokenizer.decode(ids) == item.bytes)
        }
    }

    @Test("The demo model's prompts have the tokens of its golden data")
    func demoPrompts() throws {
        let fixture = try Fixture("demo")
        let tokenizer = try Tokenizer(fixture.vocabulary)
        for prompt in try #require(fixture.prompts) {
            #expect(try tokenizer.encode(prompt.text) == prompt.ids)
            #expect(tokenizer.decode(prompt.ids) == Array(prompt.text.utf8))
        }
    }

    @Test(
        "Names that mean one pre-tokenizer cut alike",
        arguments: [
            ("gpt-2", ["olmo", "mpt", "phi-2"]), ("qwen2", ["megrez", "bailingmoe"]),
            ("llama-bpe", ["llama3", "llama-v3", "dbrx"]),
        ]
    )
    func aliases(name: String, aliases: [String]) throws {
        // Without whole words that no merge makes: Dbrx shares only Llama 3's pattern.
        var vocabulary = try Fixture("gpt-2").vocabulary
        vocabulary.preTokenizer = name
        vocabulary.addsBOS = false
        let tokenizer = try Tokenizer(vocabulary)
        for alias in aliases {
            vocabulary.preTokenizer = alias
            let other = try Tokenizer(vocabulary)
            for text in try Fixture.texts().values {
                #expect(try other.encode(text) == tokenizer.encode(text))
            }
        }
    }
}
