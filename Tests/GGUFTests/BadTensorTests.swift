import GGUF
import Tensors
import Testing

@Suite("Damaged and hostile tensor tables")
struct BadTensorTests {
    @Test("A bad tensor is refused with its reason", arguments: names + shapes + types + places)
    func refused(file: BadFile) throws {
        #expect(try problem(opening: file.bytes) == file.problem)
    }

    static let names = [
        BadFile("an empty name", .emptyName, one("", [1])),
        BadFile(
            "a name of 65 bytes",
            .nameTooLong(byteCount: 65, limit: 64),
            one(String(repeating: "t", count: 65), [1])
        ),
        BadFile("a NUL in a name", .nameNotText, one("a\0", [1])),
        BadFile(
            "a name twice",
            .duplicate,
            two(secondName: "first", secondOffset: 32)
        ),
    ]

    static let shapes = [
        BadFile("no dimension", .badDimensionCount(0), one("t", [])),
        BadFile("five dimensions", .badDimensionCount(5), one("t", [1, 1, 1, 1, 1])),
        BadFile(
            "2^32 - 1 dimensions",
            .badDimensionCount(.max),
            RawFile.make(tensors: 1) {
                $0.add(string: "t")
                $0.add(UInt32.max)
                $0.add(zeros: 64)
            }
        ),
        BadFile("a zero", .badDimension(index: 1, value: 0), one("t", [1, 0])),
        BadFile("2^63", .badDimension(index: 0, value: 1 << 63), one("t", [1 << 63])),
        BadFile("-1", .badDimension(index: 0, value: .max), one("t", [.max])),
        BadFile("2^32 x 2^32, which wraps to 0", .tooManyValues, one("t", [1 << 32, 1 << 32])),
        BadFile(
            "2^31 x 2^31 x 4, which wraps to 0",
            .tooManyValues,
            one("t", [1 << 31, 1 << 31, 4])
        ),
        BadFile(
            "a product that wraps to a small number",
            .tooManyValues,
            one("t", [(1 << 62) + 1, 4])
        ),
        BadFile(
            "a size in bytes that wraps",
            .tooManyValues,
            one("t", [1 << 31, 1 << 31], type: 27)
        ),
        BadFile(
            "more values than can be counted, in fewer bytes",
            .tooManyValues,
            one("t", [1 << 32, 1 << 31], type: 2)
        ),
    ]

    static let types =
        [4, 5, 31, 32, 33, 36, 37, 38].map { (type: UInt32) in
            BadFile(
                "removed type \(type)",
                .removedElementType(removedNames[type] ?? ""),
                one("t", [32], type: type)
            )
        }
        + [42, 1000, UInt32.max].map { type in
            BadFile("type \(type)", .unknownElementType(type), one("t", [32], type: type))
        }
        + [
            BadFile(
                "a row that is no whole number of blocks",
                .unevenRow(columns: 33, type: .q4_0),
                one("t", [33, 32], type: 2)
            )
        ]

    static let removedNames: [UInt32: String] = [
        4: "Q4_2", 5: "Q4_3", 31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8",
        36: "IQ4_NL_4_4", 37: "IQ4_NL_4_8", 38: "IQ4_NL_8_8",
    ]

    static let places = [
        BadFile(
            "an unaligned offset",
            .unaligned(offset: 16, alignment: 32),
            one("t", [1], offset: 16)
        ),
        BadFile("a gap in front", .gap(offset: 32, expected: 0), one("t", [1], offset: 32)),
        BadFile(
            "an offset near 2^64",
            .gap(offset: .max - 31, expected: 0),
            one("t", [1], offset: .max - 31)
        ),
        BadFile("an overlap", .overlapping(offset: 0, expected: 32), two(secondOffset: 0)),
        BadFile("a gap between", .gap(offset: 64, expected: 32), two(secondOffset: 64)),
        BadFile(
            "data far beyond the file",
            .outsideFile(end: 64 + (1 << 42), byteCount: 96),
            one("t", [1 << 40])
        ),
        BadFile(
            "an end that wraps",
            .tooManyValues,
            one("t", [UInt64(Int.max)], type: 24)
        ),
        BadFile(
            "a last tensor one byte short",
            .outsideFile(end: 96, byteCount: 95),
            Array(one("t", [8]).dropLast())
        ),
    ]

    /// A file of one tensor with 32 bytes of data.
    static func one(
        _ name: String,
        _ dimensions: [UInt64],
        type: UInt32 = 0,
        offset: UInt64 = 0
    ) -> [UInt8] {
        RawFile.make(tensors: 1) {
            $0.add(tensor: name, dimensions, type: type, offset: offset)
            $0.pad()
            $0.add(zeros: 32)
        }
    }

    /// A file of two tensors with 32 bytes of data each.
    static func two(secondName: String = "second", secondOffset: UInt64) -> [UInt8] {
        RawFile.make(tensors: 2) {
            $0.add(tensor: "first", [8])
            $0.add(tensor: secondName, [8], offset: secondOffset)
            $0.pad()
            $0.add(zeros: 64)
        }
    }

    @Test("More tensors than the rest of the file has room for are refused")
    func counts() throws {
        let bytes = RawFile.make(tensors: 3, keys: 1) {
            $0.add(key: "k", .string)
            $0.add(string: String(repeating: "x", count: 100))
            $0.add(tensor: "t", [1])
        }
        let expected = GGUFError.Problem.impossibleCount(3, of: "tensors", remaining: 33)
        #expect(try problem(opening: bytes) == expected)
    }

    @Test("A tensor needs its own bytes, not the padding behind them")
    func lastTensorWithoutPadding() throws {
        let bytes = RawFile.make(tensors: 1) {
            $0.add(tensor: "t", [3], type: 24)
            $0.pad()
            $0.bytes += [1, 2, 3]
        }
        let directory = try TemporaryDirectory()
        let file = try GGUFFile.open(path: directory.write(bytes))
        let tensor = try #require(file.tensor("t"))
        #expect(try file.read(tensor).array == [1, 2, 3])
    }
}
