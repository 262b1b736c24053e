import GGUF
import Testing

@Suite("Damaged and hostile headers")
struct BadHeaderTests {
    @Test("A bad header is refused with its reason", arguments: starts + counts + metadata)
    func refused(file: BadFile) throws {
        #expect(try problem(opening: file.bytes) == file.problem)
    }

    static let starts = [
        BadFile("an empty file", .truncated(needed: 4, remaining: 0), []),
        BadFile("one byte", .truncated(needed: 4, remaining: 1), [0x47]),
        BadFile("magic only", .truncated(needed: 4, remaining: 0), Array("GGUF".utf8)),
        BadFile(
            "another magic",
            .wrongMagic(0x4c4d_4747),
            RawFile(magic: "GGML").bytes
        ),
        BadFile("big-endian 3", .bigEndian, RawFile(version: UInt32(3).byteSwapped).bytes),
        BadFile("version 0", .unsupportedVersion(0), RawFile(version: 0).bytes),
        BadFile("version 1", .unsupportedVersion(1), RawFile(version: 1).bytes),
        BadFile("version 4", .unsupportedVersion(4), RawFile(version: 4).bytes),
        BadFile("version -1", .unsupportedVersion(.max), RawFile(version: .max).bytes),
    ]

    static let counts = [1, 1 << 31, 1 << 32, 1 << 63, UInt64.max].flatMap { count in
        [
            BadFile(
                "\(count) tensors",
                .impossibleCount(count, of: "tensors", remaining: 0),
                RawFile(tensors: count).bytes
            ),
            BadFile(
                "\(count) keys",
                .impossibleCount(count, of: "keys", remaining: 0),
                RawFile(keys: count).bytes
            ),
        ]
    }

    static let metadata = names + strings + arrays + alignments

    static let names = [
        BadFile("an empty key", .emptyName, keyed("")),
        BadFile(
            "a key that is too long",
            .nameTooLong(byteCount: 65536, limit: 65535),
            keyed(String(repeating: "k", count: 65536))
        ),
        BadFile("a NUL in a key", .nameNotText, keyed("a\0b")),
        BadFile(
            "a key that is not UTF-8",
            .nameNotText,
            RawFile.make(keys: 1) {
                $0.add(string: [0xff, 0xfe])
                $0.add(zeros: 8)
            }
        ),
        BadFile(
            "a key twice",
            .duplicate,
            RawFile.make(keys: 2) {
                for _ in 0..<2 {
                    $0.add(key: "a", .uint8)
                    $0.add(UInt8(1))
                }
            }
        ),
        BadFile(
            "value type 13",
            .unknownValueType(13),
            RawFile.make(keys: 1) {
                $0.add(string: "a")
                $0.add(UInt32(13))
                $0.add(zeros: 8)
            }
        ),
        BadFile(
            "a truth value of 2",
            .invalidBool(2),
            RawFile.make(keys: 1) {
                $0.add(key: "a", .bool)
                $0.add(UInt8(2))
            }
        ),
    ]

    /// A one-byte value under `key`.
    static func keyed(_ key: String) -> [UInt8] {
        RawFile.make(keys: 1) {
            $0.add(key: key, .uint8)
            // Padding, so that the count of keys is believable.
            $0.add(zeros: 16)
        }
    }

    static let strings = [UInt64.max, 1 << 63, 1 << 30, 5].map { length in
        BadFile(
            "a string of \(length) bytes where 4 remain",
            .truncated(needed: length, remaining: 4),
            RawFile.make(keys: 1) {
                $0.add(key: "a", .string)
                $0.add(length)
                $0.add(zeros: 4)
            }
        )
    }

    static let arrays = [
        BadFile("an array of type 13", .unknownValueType(13), array(of: 13, count: 1)),
        BadFile("an array of arrays", .nestedArray, array(of: 9, count: 1)),
        BadFile(
            "an array whose size wraps",
            .impossibleCount(1 << 62, of: "array elements", remaining: 8),
            array(of: 10, count: 1 << 62)
        ),
        BadFile(
            "an array of one element too many",
            .impossibleCount(3, of: "array elements", remaining: 8),
            array(of: 4, count: 3)
        ),
        BadFile(
            "2^64 - 1 strings",
            .impossibleCount(.max, of: "array elements", remaining: 8),
            array(of: 8, count: .max)
        ),
        BadFile(
            "more strings than their lengths have room for",
            .impossibleCount(2, of: "strings", remaining: 8),
            array(of: 8, count: 2)
        ),
        BadFile(
            "a string in an array that lies about its length",
            .truncated(needed: 9, remaining: 2),
            RawFile.make(keys: 1) {
                $0.add(array: "a", of: 8, count: 2)
                $0.add(string: "fine")
                $0.add(UInt64(9))
                $0.add(zeros: 2)
            }
        ),
        BadFile(
            "a truth value of 255 in an array",
            .invalidBool(255),
            RawFile.make(keys: 1) {
                $0.add(array: "a", of: 7, count: 2)
                $0.add(UInt8(1))
                $0.add(UInt8(255))
            }
        ),
    ]

    /// An array of which eight bytes are there.
    static func array(of type: UInt32, count: UInt64) -> [UInt8] {
        RawFile.make(keys: 1) {
            $0.add(array: "a", of: type, count: count)
            $0.add(zeros: 8)
        }
    }

    static let alignments =
        [0, 3, 1 << 21, 1 << 31].map { (alignment: UInt32) in
            BadFile(
                "alignment \(alignment)",
                .badAlignment(alignment),
                RawFile.make(keys: 1) {
                    $0.add(key: "general.alignment", .uint32)
                    $0.add(alignment)
                }
            )
        } + [
            BadFile(
                "an alignment of another type",
                .wrongType(found: "uint64", expected: "uint32"),
                RawFile.make(keys: 1) {
                    $0.add(key: "general.alignment", .uint64)
                    $0.add(UInt64(32))
                }
            )
        ]

    @Test("A file without keys and tensors is valid, in versions 2 and 3")
    func nothing() throws {
        #expect(try problem(opening: RawFile(version: 2).bytes) == nil)
        #expect(try problem(opening: RawFile(version: 3).bytes) == nil)
    }

    @Test("A million empty strings are read")
    func emptyStrings() throws {
        let bytes = RawFile.make(keys: 1) {
            $0.add(array: "a", of: 8, count: 1_000_000)
            $0.add(zeros: 8_000_000)
        }
        let directory = try TemporaryDirectory()
        let file = try GGUFFile.open(path: directory.write(bytes))
        #expect(try file.metadata.strings("a").count == 1_000_000)
    }

    @Test("An error says file, byte and key")
    func wording() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(Self.array(of: 9, count: 1))
        let error = try #require(throws: GGUFError.self) { try GGUFFile.open(path: path) }
        #expect(
            error.description == "\(path) at byte 37, key 'a': an array of arrays is not supported"
        )
    }
}
