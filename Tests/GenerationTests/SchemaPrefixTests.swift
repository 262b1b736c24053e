import Generation
import JSON
import Model
import Testing

@Suite("Beginnings of JSON objects of a kind")
struct SchemaPrefixTests {
    private typealias Property = AnswerSchema.Property

    private static func key(_ name: String) -> [UInt8] { JSONValue.string(name).encoded }

    private static func literals(_ values: [JSONValue]) -> AnswerSchema {
        .literals(AnswerSchema.Literals(values.map(\.encoded)))
    }

    private static let person = AnswerSchema.object([
        Property(key: key("name"), .text),
        Property(key: key("nick"), .either([.text, .null]), isRequired: false),
        Property(key: key("age"), .whole),
        Property(key: key("tags"), .array(literals(["a", "ab"]), counts: 1...2)),
        Property(key: key("n"), literals([1, 12, .number(1.5)]), isRequired: false),
        Property(key: key("more"), .anyObject, isRequired: false),
    ])

    private static func run(_ schema: AnswerSchema, _ text: String) -> (taken: Int, ends: Bool) {
        var prefix = SchemaPrefix(schema)
        var taken = 0
        for byte in text.utf8 {
            guard prefix.take(byte) else { break }
            taken += 1
        }
        return (taken, prefix.isClosed)
    }

    @Test(
        "Objects of the kind are taken whole",
        arguments: [
            #"{"name":"é","age":3,"tags":["a"]}"#,
            #" { "name" : "x" , "nick" : null , "age" : -3 , "tags" : [ "ab" , "a" ] } "#,
            #"{"name":"","nick":"n","age":0,"tags":["ab"],"n":12}"#,
            #"{"name":"","age":0,"tags":["ab"],"n":1,"more":{"a":[1.5,{}],"b":{"c":null}}}"#,
            #"{"name":"","age":0,"tags":["ab"],"n":1.5 ,"more":{}}"#,
        ]
    )
    func whole(text: String) {
        let (taken, ends) = Self.run(Self.person, text)
        #expect(ends && taken == text.utf8.count - (text.hasSuffix(" ") ? 1 : 0))
    }

    @Test(
        "What is of another kind is stopped where it goes wrong",
        arguments: [
            (#"[]"#, 0), (#"{}"#, 1), (#"{"age"#, 2), (#"{"nick"#, 3), (#"{"name":1"#, 8),
            (#"{"name":"x","tags""#, 13), (#"{"name":"x","nick":1"#, 19),
            (#"{"name":"x","nick":null,"nick""#, 25), (#"{"name":"x","age":1."#, 19),
            (#"{"name":"x","age":1e"#, 19), (#"{"name":"x","age":1}"#, 19),
            (#"{"name":"x","age":1,"tags":[]"#, 28), (#"{"name":"x","age":1,"tags":["b"#, 29),
            (#"{"name":"x","age":1,"tags":["abc"#, 31),
            (#"{"name":"x","age":1,"tags":["a","a","#, 35),
            (#"{"name":"x","age":1,"tags":["a"],"n":2"#, 37),
            (#"{"name":"x","age":1,"tags":["a"],"n":13"#, 38),
            (#"{"name":"x","age":1,"tags":["a"],"n":1.}"#, 39),
            (#"{"name":"x","age":1,"tags":["a"],"more":{},"#, 42),
            (#"{"name":"x","age":1,"tags":["a"],"more":[]"#, 40),
        ]
    )
    func refusals(text: String, taken: Int) {
        #expect(Self.run(Self.person, text).taken == taken)
    }

    @Test("Of many properties that may be left out, any may come next, and none again")
    func optional() {
        let names = (0..<63).map { "key-\($0)" }
        let schema = AnswerSchema.object(
            names.map { Property(key: Self.key($0), .null, isRequired: false) }
        )
        for name in names { #expect(Self.run(schema, "{\"\(name)\":null}").ends, "\(name)") }
        #expect(!Self.run(schema, #"{"key-7":null,"key-7":null}"#).ends)
        #expect(!Self.run(schema, #"{"key-7":null,"key-6":null}"#).ends)
        #expect(Self.run(schema, #"{"key-6":null,"key-62":null}"#).ends)
    }

    @Test("Kinds that begin alike are told")
    func distinct() {
        #expect(AnswerSchema.areDistinct([.text, .null, .number, .bool, .anyObject]))
        #expect(!AnswerSchema.areDistinct([.whole, .number]))
        #expect(!AnswerSchema.areDistinct([.text, Self.literals(["a"])]))
        #expect(AnswerSchema.areDistinct([.bool, Self.literals([1, "a", nil])]))
        #expect(!AnswerSchema.areDistinct([.any, .null]))
    }

    @Test("Random walks through random kinds end, and in values of the kind", arguments: 1...200)
    func walks(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let schema = AnswerSchema.object(Self.properties(&random, depth: 3))
        var prefix = SchemaPrefix(schema)
        var bytes: [UInt8] = []
        // Signs that end things are all that is tried later on, wherever one can stand.
        let ends = Array("}]\",:".utf8)
        let others = Array("{[truefalsnk0123.5-eE \\/é".utf8) + ends
        while !prefix.isClosed {
            try #require(bytes.count < 100_000, "seed \(seed) does not end")
            let wanted = bytes.count < 200 ? [] : ends.filter { prefix.takes([$0]) }
            let choices = wanted.isEmpty ? others.filter { prefix.takes([$0]) } : wanted
            let byte = try #require(
                choices.randomElement(using: &random) ?? Self.any(prefix, &random),
                "seed \(seed) is stuck: \(String(decoding: bytes, as: UTF8.self))"
            )
            let isTaken = prefix.take(byte)
            #expect(isTaken)
            bytes.append(byte)
        }
        // Exponents soon are larger than any number that can be read.
        guard !bytes.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) else { return }
        let value = try JSONValue(parsing: bytes)
        #expect(Self.fits(value, schema), "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
    }

    private static func any(_ prefix: SchemaPrefix, _ random: inout SeededRandom) -> UInt8? {
        (UInt8.min...UInt8.max).filter { prefix.takes([$0]) }.randomElement(using: &random)
    }

    // MARK: Random kinds

    private static func properties(_ random: inout SeededRandom, depth: Int) -> [Property] {
        (0..<Int.random(in: 0...4, using: &random)).map { index in
            Property(
                key: key(["a", "ab", "\"", "é", "abc"][index]),
                kind(&random, depth: depth),
                isRequired: Bool.random(using: &random)
            )
        }
    }

    private static func kind(_ random: inout SeededRandom, depth: Int) -> AnswerSchema {
        let simple: [AnswerSchema] = [
            .text, .whole, .number, .bool, .null, literals(["x", "xy", 1, 10, nil, true]),
            .either([.null, .text, .whole]), literals([.number(0.25)]),
        ]
        let deep = Int.random(in: 0...7, using: &random)
        guard depth > 0, deep < 4 else { return simple[Int(random.next() % 8)] }
        switch deep {
        case 0: return .anyObject
        case 1: return .any
        case 2: return .object(properties(&random, depth: depth - 1))
        default:
            let least = Int.random(in: 0...2, using: &random)
            return .array(kind(&random, depth: depth - 1), counts: least...least + 2)
        }
    }

    /// The definition: what a value of the kind is.
    private static func fits(_ value: JSONValue, _ schema: AnswerSchema) -> Bool {
        switch (schema, value) {
        case (.any, _), (.anyObject, .object), (.text, .string), (.number, .number),
            (.number, .integer), (.whole, .integer), (.whole, .number), (.bool, .bool),
            (.null, .null):
            return true
        case (.literals(let literals), _): return literals.texts.contains(value.encoded)
        case (.either(let kinds), _): return kinds.contains { fits(value, $0) }
        case (.array(let item, let counts), .array(let elements)):
            return counts.contains(elements.count) && elements.allSatisfy { fits($0, item) }
        case (.object(let properties), .object(let members)):
            let keys = members.map { key($0.key) }
            let known = properties.filter { keys.contains($0.key) }
            return keys == known.map(\.key)
                && properties.allSatisfy { !$0.isRequired || keys.contains($0.key) }
                && zip(members, known).allSatisfy { fits($0.value, $1.schema) }
        default: return false
        }
    }
}
