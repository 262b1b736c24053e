import Foundation
import GGUF
import Tensors
import Testing

@Suite("Models in several files")
struct SplitTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    func path(_ number: Int, of count: Int = 3) -> String {
        directory.path(String(format: "model-%05d-of-%05d.gguf", number, count))
    }

    /// Writes one part with one tensor, named after it.
    func write(
        part: Int,
        to path: String? = nil,
        number: Int? = nil,
        count: Int = 3,
        tensorCount: Int = 3,
        tensor: String? = nil
    ) throws {
        var writer = GGUFWriter()
        if part == 1 { writer.metadata["general.name"] = .text("split") }
        writer.metadata["split.no"] = .uint16(UInt16(number ?? part - 1))
        writer.metadata["split.count"] = .uint16(UInt16(count))
        writer.metadata["split.tensors.count"] = .int32(Int32(tensorCount))
        writer.add(tensor ?? "t\(part)", dimensions: [1], values: [Float(part)])
        try writer.write(to: path ?? self.path(part))
    }

    @Test("All parts are read from the first one's path")
    func whole() throws {
        for part in 1...3 { try write(part: part) }
        let file = try GGUFFile.open(path: path(1))
        #expect(try file.metadata.string("general.name") == "split")
        #expect(file.tensors.map(\.name) == ["t1", "t2", "t3"])
        #expect(file.tensors.map(\.part) == [0, 1, 2])
        #expect(file.parts.map(\.path) == (1...3).map { path($0) })
        #expect(file.byteCount == file.parts.map(\.identity.byteCount).reduce(0, +))
        for (index, tensor) in file.tensors.enumerated() {
            let expected = RawFile.littleEndian(Float(index + 1).bitPattern)
            #expect(try file.read(tensor).array == expected)
        }
    }

    @Test("Another part than the first says which one to give")
    func notFirst() throws {
        try write(part: 2)
        let expected = GGUFError.Problem.notFirstPart(number: 2, first: path(1))
        #expect(try problem(openingPath: path(2)) == expected)
    }

    @Test("A missing part is named")
    func missing() throws {
        try write(part: 1)
        try write(part: 3)
        let reason = FileError.system(operation: "open", path: path(2), code: ENOENT)
        let expected = GGUFError.Problem.missingPart(number: 2, of: 3, reason: reason)
        #expect(try problem(openingPath: path(1)) == expected)
    }

    @Test("A first part under a name from which the others cannot be found is refused")
    func renamed() throws {
        try write(part: 1, to: directory.path("renamed.gguf"))
        #expect(
            try problem(openingPath: directory.path("renamed.gguf")) == .badPartName(partCount: 3)
        )
        try write(part: 1, to: path(1, of: 4))
        #expect(try problem(openingPath: path(1, of: 4)) == .badPartName(partCount: 3))
    }

    @Test("A part that occurs twice is refused")
    func twice() throws {
        try write(part: 1)
        try write(part: 2)
        try write(part: 3, number: 1)
        let expected = GGUFError.Problem.partMismatch(what: "split.no", found: 1, expected: 2)
        #expect(try problem(openingPath: path(1)) == expected)
    }

    @Test("A part of another model is refused")
    func foreign() throws {
        try write(part: 1)
        try write(part: 2)
        try write(part: 3, tensorCount: 4)
        let expected = GGUFError.Problem.partMismatch(
            what: "split.tensors.count",
            found: 4,
            expected: 3
        )
        #expect(try problem(openingPath: path(1)) == expected)
    }

    @Test("A tensor in two parts is refused")
    func duplicate() throws {
        for part in 1...3 { try write(part: part, tensor: part == 3 ? "t1" : nil) }
        #expect(try problem(openingPath: path(1)) == .duplicate)
    }

    @Test("Parts that do not add up to the announced tensors are refused")
    func tensorCount() throws {
        for part in 1...3 { try write(part: part, tensorCount: 5) }
        let expected = GGUFError.Problem.partMismatch(
            what: "the tensors of all parts",
            found: 3,
            expected: 5
        )
        #expect(try problem(openingPath: path(1)) == expected)
    }

    @Test("A damaged part is named by its own path")
    func damaged() throws {
        for part in 1...3 { try write(part: part) }
        try Data("GGML".utf8).write(to: URL(filePath: path(2)))
        let error = try #require(throws: GGUFError.self) { try GGUFFile.open(path: path(1)) }
        #expect(error.path == path(2))
        #expect(error.problem == .wrongMagic(0x4c4d_4747))
    }
}
