import JSON
import Testing

@Suite("JSON texts of strangers")
struct JSONTests {
    private static func value(_ text: String) throws -> JSONValue {
        try JSONValue(parsing: Array(text.utf8))
    }

    @Test("Values are read as they are written, and written as they are read")
    func roundTrip() throws {
        let text = #"{"a":[1,-2,3.5,true,false,null],"ü":"x\n\"\\\u0001","e":{},"l":[]}"#
        let value = try Self.value(text)
        #expect(value["a"]?[2] == .number(3.5))
        #expect(value["ü"] == .string("x\n\"\\\u{1}"))
        #expect(String(decoding: value.encoded, as: UTF8.self) == text)
    }

    @Test("Space, escapes, surrogate pairs and exponents are understood")
    func forms() throws {
        #expect(try Self.value(" [ 1 , 2 ]\r\n") == [1, 2])
        #expect(try Self.value(#""\ud83d\ude00\u00e9\/""#) == "😀é/")
        #expect(try Self.value("1e3") == .number(1000))
        #expect(try Self.value("-0.5E-1") == .number(-0.05))
        #expect(try Self.value("9223372036854775807") == .integer(.max))
        #expect(try Self.value("9223372036854775808") == .number(0x1p63))
    }

    @Test(
        "What is no JSON text is refused",
        arguments: [
            "", " ", "{", "[", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "'a'",
            "\"", "\"\\", "\"\\u12", "\"\\u12g4\"", "\"\\u+123\"", "\"\\x\"", "\"a\nb\"", "tru",
            "nul", "01", "-", "1.", ".5", "+1", "1e", "1e+", "NaN", "Infinity", "1 2", "[]]",
            "1e999",
            #""\ud800""#, #""\ud800x""#, #""\ud800\u0041""#, #""\udc00""#, #"{"a":1,"a":2}"#,
        ]
    )
    func malformed(text: String) {
        #expect(throws: (any Error).self) { try Self.value(text) }
    }

    @Test("Bytes that are not UTF-8 are refused")
    func notText() {
        for bytes in [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80]] {
            let text = [0x22] + bytes.map { UInt8($0) } + [0x22]
            #expect(throws: (any Error).self) { try JSONValue(parsing: text) }
        }
    }

    @Test("A hundred thousand brackets are refused without using up the stack")
    func deep() {
        for bracket in ["[", "{\"a\":"] {
            let text = String(repeating: bracket, count: 100_000)
            #expect(throws: (any Error).self) { try Self.value(text) }
        }
        let fine = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(throws: Never.self) { try Self.value(fine) }
    }

    @Test("A text that ends anywhere is refused, and never a trap")
    func truncated() throws {
        let text = Array(#"{"a":[1.5e3,"\ud83d\ude00 \n"],"b":{"c":null,"d":true}}"#.utf8)
        for end in text.indices {
            #expect(throws: (any Error).self) { try JSONValue(parsing: Array(text[..<end])) }
        }
    }

    @Test("Any bytes are a value or an error")
    func mutated() {
        let text = Array(#"{"a":[1.5e3,"\ud83d\ude00 \n"],"b":{"c":null,"d":true}}"#.utf8)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = text
            for _ in 0..<3 {
                let place = Int.random(in: bytes.indices, using: &generator)
                bytes[place] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let value = try? JSONValue(parsing: bytes) else { continue }
            #expect(throws: Never.self, "\(bytes)") { try JSONValue(parsing: value.encoded) }
        }
    }
}
