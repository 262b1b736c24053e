import GGUF
import Testing

@Suite("Metadata getters")
struct GetterTests {
    let metadata: GGUFMetadata = {
        var metadata = GGUFMetadata(path: "m.gguf")
        metadata["u8"] = .uint8(8)
        metadata["i64"] = .int64(-64)
        metadata["u64"] = .uint64(.max)
        metadata["f32"] = .float32(0.5)
        metadata["f64"] = .float64(0.25)
        metadata["huge"] = .float64(1e300)
        metadata["nan"] = .float32(.nan)
        metadata["bool"] = .bool(true)
        metadata["text"] = .text("Grüße")
        metadata["bytes"] = .string([0xff])
        metadata["strings"] = .array(.strings(GGUFStrings(["a", "bc"])))
        metadata["i8s"] = .array(.int8([-1, 2]))
        metadata["u64s"] = .array(.uint64([1, .max]))
        metadata["f32s"] = .array(.float32([1, -.infinity]))
        metadata["nans"] = .array(.float32([1, .nan]))
        return metadata
    }()

    func problem<Value>(_ body: () throws(GGUFError) -> Value) throws -> GGUFError.Problem {
        try #require(throws: GGUFError.self) { _ = try body() }.problem
    }

    @Test("An integer of any type is taken where it fits")
    func integers() throws {
        #expect(try metadata.uint("u8") == 8)
        #expect(try metadata.int("i64") == -64)
        #expect(
            try problem { () throws(GGUFError) in try metadata.uint("i64") }
                == .outOfRange(value: "-64", expected: "0 to \(Int.max)")
        )
        #expect(
            try problem { () throws(GGUFError) in try metadata.int("u64") }
                == .outOfRange(value: "\(UInt64.max)", expected: "\(Int.min) to \(Int.max)")
        )
    }

    @Test("A number must be finite")
    func floats() throws {
        #expect(try metadata.float("f32") == 0.5)
        #expect(try metadata.float("f64") == 0.25)
        #expect(
            try problem { () throws(GGUFError) in try metadata.float("nan") } == .notFinite("nan")
        )
        #expect(
            try problem { () throws(GGUFError) in try metadata.float("huge") } == .notFinite("inf")
        )
    }

    @Test("Text must be UTF-8")
    func text() throws {
        #expect(try metadata.string("text") == "Grüße")
        #expect(try problem { () throws(GGUFError) in try metadata.string("bytes") } == .notText)
    }

    @Test("Arrays are taken in every type that fits")
    func arrays() throws {
        #expect(try metadata.strings("strings") == [Array("a".utf8), Array("bc".utf8)])
        #expect(try metadata.ints("i8s") == [-1, 2])
        #expect(try metadata.floats("f32s") == [1, -.infinity])
        #expect(
            try problem { () throws(GGUFError) in try metadata.ints("u64s") }
                == .outOfRange(value: "\(UInt64.max)", expected: "at most \(Int.max)")
        )
        #expect(
            try problem { () throws(GGUFError) in try metadata.floats("nans") } == .notFinite("nan")
        )
    }

    @Test("An absent key is missing, or nil where it may be")
    func absent() throws {
        #expect(try problem { () throws(GGUFError) in try metadata.uint("none") } == .missing)
        #expect(try metadata.uintIfPresent("none") == nil)
        #expect(try metadata.stringsIfPresent("none") == nil)
    }

    @Test("A value of another type is an error, even where the key may be absent")
    func mismatch() throws {
        let error = try #require(throws: GGUFError.self) { try metadata.uintIfPresent("strings") }
        #expect(
            error.description
                == "m.gguf, key 'strings': is array of 2 string, expected an integer"
        )
        #expect(
            try problem { () throws(GGUFError) in try metadata.string("u8") }
                == .wrongType(found: "uint8", expected: "string")
        )
        #expect(
            try problem { () throws(GGUFError) in try metadata.bool("u8") }
                == .wrongType(found: "uint8", expected: "bool")
        )
        #expect(
            try problem { () throws(GGUFError) in try metadata.float("u8") }
                == .wrongType(found: "uint8", expected: "float32 or float64")
        )
    }
}
