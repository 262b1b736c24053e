import Foundation
import GGUF
import Tensors
import Testing

@Suite("Writing files")
struct WriterTests {
    @Test("Metadata of every type comes back as it was written")
    func metadata() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("a.gguf")
        let written = Sample.metadata
        try GGUFWriter(metadata: written).write(to: path)
        let read = try GGUFFile.open(path: path).metadata
        #expect(read.entries.map(\.key) == written.entries.map(\.key))
        #expect(read.entries.map(\.value) == written.entries.map(\.value))
        #expect(Set(read.entries.map(\.value.type)) == Set(GGUFValueType.allCases))
    }

    @Test("Tensors of every type come back as they were written", arguments: [1, 32, 256])
    func tensors(alignment: UInt32) throws {
        var writer = GGUFWriter()
        writer.metadata["general.alignment"] = .uint32(alignment)
        for type in ElementType.allCases {
            let count = 3 * 2 * type.blockByteCount
            writer.add(
                type.name,
                type: type,
                dimensions: [2 * type.blockLength, 3],
                bytes: Sample.bytes(count, start: Int(type.rawValue))
            )
        }
        let directory = try TemporaryDirectory()
        let path = directory.path("a.gguf")
        try writer.write(to: path)
        let file = try GGUFFile.open(path: path)
        #expect(file.tensors.map(\.name) == ElementType.allCases.map(\.name))
        for (type, tensor) in zip(ElementType.allCases, file.tensors) {
            #expect(tensor.type == type)
            #expect(tensor.dimensions == [2 * type.blockLength, 3])
            #expect(tensor.fileOffset % Int(alignment) == 0)
            let expected = Sample.bytes(tensor.byteCount, start: Int(type.rawValue))
            #expect(try file.read(tensor).array == expected)
        }
    }

    @Test("A slice of a tensor is read alone, and never beyond the tensor")
    func slices() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("a.gguf")
        var writer = GGUFWriter()
        writer.add("t", type: .i8, dimensions: [10, 5, 2], bytes: Sample.bytes(100, start: 0))
        writer.add("u", type: .i8, dimensions: [100], bytes: Sample.bytes(100, start: 0))
        try writer.write(to: path)
        let file = try GGUFFile.open(path: path)
        let tensor = try #require(file.tensor("t"))
        #expect(try file.read(tensor, from: 50, count: 50).array == Array(50..<100))
        #expect(try file.read(tensor, from: 100, count: 0).count == 0)
        for (start, count) in [(51, 50), (-1, 2), (0, -1), (Int.max, Int.max), (0, 101)] {
            let error = try #require(throws: GGUFError.self) {
                try file.read(tensor, from: start, count: count)
            }
            let problem = GGUFError.Problem.outsideTensor(from: start, count: count, byteCount: 100)
            #expect(error.problem == problem)
        }
    }

    @Test("The header is handed over whole")
    func header() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("a.gguf")
        // Longer than one piece of reading.
        var writer = GGUFWriter(metadata: Sample.metadata)
        writer.metadata["long"] = .array(.uint8(Sample.bytes(3_000_000, start: 0)))
        writer.add("t", dimensions: [2], values: [1, 2])
        try writer.write(to: path)
        let file = try GGUFFile.open(path: path)
        var header: [UInt8] = []
        try file.readHeader(ofPart: 0) { piece in
            for index in 0..<piece.byteCount {
                header.append(unsafe piece.unsafeLoad(fromByteOffset: index, as: UInt8.self))
            }
        }
        let whole = try Array(Data(contentsOf: URL(filePath: path)))
        #expect(header.count == file.tensor("t")?.fileOffset)
        #expect(header == Array(whole.prefix(header.count)))
        #expect(file.byteCount == whole.count)
    }

    @Test("A source that delivers too much or too little leaves no file", arguments: [0, 3, 5])
    func wrongSize(count: Int) throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("a.gguf")
        var writer = GGUFWriter()
        writer.add("t", type: .i8, dimensions: [4], bytes: Sample.bytes(count, start: 0))
        let error = try #require(throws: GGUFError.self) { try writer.write(to: path) }
        #expect(error.problem == .wrongDataSize(written: count, expected: 4))
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.url.path) == [])
    }

    @Test("What could not be read is not written", arguments: impossible)
    func refuses(name: String, dimensions: [Int], problem: GGUFError.Problem) throws {
        let directory = try TemporaryDirectory()
        var writer = GGUFWriter()
        writer.add("taken", dimensions: [1], values: [1])
        writer.add(name, type: .q4_0, dimensions: dimensions, bytes: [])
        let error = try #require(throws: GGUFError.self) {
            try writer.write(to: directory.path("a.gguf"))
        }
        #expect(error.problem == problem)
    }

    static let impossible: [(String, [Int], GGUFError.Problem)] = [
        ("", [32], .emptyName),
        ("taken", [32], .duplicate),
        (String(repeating: "t", count: 65), [32], .nameTooLong(byteCount: 65, limit: 64)),
        ("t", [], .badDimensionCount(0)),
        ("t", [32, -1], .badDimension(index: 1, value: .max)),
        ("t", [33], .unevenRow(columns: 33, type: .q4_0)),
        ("t", [32, .max, 2], .tooManyValues),
    ]
}
