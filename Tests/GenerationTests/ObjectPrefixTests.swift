import Foundation
import Generation
import Model
import Testing

@Suite("Beginnings of JSON objects")
struct ObjectPrefixTests {
    /// How many bytes are taken, and whether the object is complete then.
    private func run(_ text: String) -> (taken: Int, isClosed: Bool) {
        var prefix = ObjectPrefix()
        var taken = 0
        for byte in text.utf8 {
            guard prefix.take(byte) else { break }
            taken += 1
        }
        return (taken, prefix.isClosed)
    }

    @Test(
        "Objects are taken whole",
        arguments: [
            "{}", " { } ", "{\"a\":1}", "{\"a\" : [ ] , \"b\":{}}", "{\"é\u{1F642}\":\"ñ\"}",
            "{\"a\":[1,-2.5e+10,0,0.5,1E5,true,false,null,\"x\"]}",
            "{\"a\\n\\u00e9\\\"\":\"\\\\\\/\"}", "{\"a\":[[],[{}]]}", "{\"a\":\"\\ud7ff\"}",
        ]
    )
    func objects(text: String) {
        let (taken, isClosed) = run(text)
        let end = text.utf8.count - (text.hasSuffix(" ") ? 1 : 0)
        #expect(taken == end && isClosed)
    }

    @Test(
        "What is no object is stopped where it goes wrong",
        arguments: [
            ("[", 0), ("1", 0), ("\"", 0), ("{1", 1), ("{,", 1), ("{\"a\"}", 4), ("{\"a\":}", 5),
            ("{\"a\":1,}", 7), ("{\"a\":1]", 6), ("{\"a\":01", 6), ("{\"a\":-}", 6),
            ("{\"a\":1.}", 7), ("{\"a\":1e}", 7), ("{\"a\":trux", 8), ("{\"a\":\"\n", 6),
            ("{\"a\":\"\\x", 7), ("{\"a\":\"\\ud8", 9), ("{\"a\":[1}", 7), ("{}x", 2),
            ("{\"a\":+", 5),
            ("{\"a\":[,", 6), ("{\"a\":1 2", 7), ("{}{", 2),
        ]
    )
    func refusals(text: String, taken: Int) {
        #expect(run(text).taken == taken)
    }

    @Test("Nesting and white space are bounded")
    func bounds() {
        let deep = "{\"a\":" + String(repeating: "[", count: 100)
        #expect(run(deep).taken == 5 + 63)
        #expect(run("{" + String(repeating: " ", count: 100)).taken == 1 + 16)
    }

    @Test("Bytes that are no UTF-8 are refused")
    func malformed() {
        for bytes: [UInt8] in [
            [0x80], [0xC0], [0xC3, 0x28], [0xE0, 0x80], [0xED, 0xA0], [0xF0, 0x8F], [0xF5], [0xFF],
        ] {
            #expect(!ObjectPrefix().takes(Array("{\"".utf8) + bytes), "\(bytes)")
        }
    }

    @Test("Random walks that end are objects that Foundation reads", arguments: 1...50)
    func walks(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var prefix = ObjectPrefix()
        var bytes: [UInt8] = []
        // Those that close things come often, so that walks end.
        let alphabet = Array("{}[]\",:}}]]\"truefalsn0123.eE+-\\u ab\u{E9}\u{1F642}".utf8)
        while !prefix.isClosed, bytes.count < 100_000 {
            let byte = alphabet[Int(random.unit() * Double(alphabet.count))]
            // Exponents soon are larger than any number that can be read.
            let isExponent = byte | 0x20 == UInt8(ascii: "e")
            let isInNumber = bytes.last.map { (0x30...0x39).contains($0) } ?? false
            if prefix.takes([byte]), !(isExponent && isInNumber) {
                _ = prefix.take(byte)
                bytes.append(byte)
            }
        }
        guard prefix.isClosed else { return }
        let object = try JSONSerialization.jsonObject(with: Data(bytes))
        #expect(object is [String: Any], "seed \(seed)")
    }
}
