import Testing
import Tokenizer

@Suite("Long and hostile text")
struct HostileTextTests {
    /// A megabyte each of what makes naive merging or matching quadratic.
    static let texts: [(name: String, unit: String)] = [
        ("one letter", "a"), ("spaces", " "), ("line ends", "\n"), ("combining marks", "\u{301}"),
        ("digits", "7"), ("punctuation", "-"), ("apostrophes", "'"), ("a giant word", "the"),
        ("spaces before letters", "    a"), ("joined emoji", "👩\u{200D}"), ("beginnings", "<|im_"),
    ]

    @Test(
        "A megabyte of it ends and comes back",
        arguments: ["gpt-2", "qwen2", "llama-bpe", "default", "deepseek-v3", "sentencepiece"]
    )
    func megabyte(name: String) throws {
        let tokenizer = try Tokenizer(Fixture(name).vocabulary)
        for text in Self.texts {
            let count = (1 << 20) / text.unit.utf8.count
            let bytes = Array(String(repeating: text.unit, count: count).utf8)
            let ids = try tokenizer.encode(bytes, parseSpecial: true)
            #expect(tokenizer.decode(ids) == bytes, "\(text.name)")
        }
    }

    @Test("A megabyte of bytes that are never UTF-8 comes back")
    func invalidMegabyte() throws {
        let tokenizer = try Tokenizer(Fixture("qwen2").vocabulary)
        for pattern: [UInt8] in [[0xFF], [0x80, 0x20], [0xF0, 0x9F, 0x98]] {
            let bytes = Array(repeating: pattern, count: (1 << 20) / pattern.count).flatMap(\.self)
            #expect(tokenizer.decode(try tokenizer.encode(bytes)) == bytes)
        }
    }

    @Test("A text above the limit is refused with both sizes")
    func tooLong() throws {
        let tokenizer = try Tokenizer(Fixture("gpt-2").vocabulary)
        let limit = Tokenizer.textByteLimit
        #expect(throws: TokenizerError.textTooLong(byteCount: limit + 1, limit: limit)) {
            try tokenizer.encode([UInt8](repeating: 32, count: limit + 1))
        }
    }

    @Test("Threads that share a tokenizer get the same tokens")
    func threads() async throws {
        let fixture = try Fixture("qwen2")
        let tokenizer = try Tokenizer(fixture.vocabulary)
        let text = try Fixture.texts().sorted { $0.key < $1.key }.map(\.value).joined()
        let expected = try tokenizer.encode(text)
        try await withThrowingTaskGroup(of: [Int32].self) { group in
            for _ in 0..<16 {
                group.addTask { try tokenizer.encode(text) }
            }
            for try await ids in group {
                #expect(ids == expected)
            }
        }
    }
}
