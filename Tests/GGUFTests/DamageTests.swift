import Foundation
import GGUF
import Tensors
import Testing

@Suite("A damaged file never traps")
struct DamageTests {
    /// Every value type, a string array and two tensors; no padding at the end.
    static let valid: [UInt8] = {
        var file = RawFile(tensors: 2, keys: 7)
        file.add(key: "general.alignment", .uint32)
        file.add(UInt32(32))
        file.add(key: "name", .string)
        file.add(string: "tiny")
        file.add(key: "truth", .bool)
        file.add(UInt8(1))
        file.add(key: "small", .int8)
        file.add(Int8(-1))
        file.add(key: "real", .float64)
        file.add((1.5).bitPattern)
        file.add(array: "tokens", of: 8, count: 3)
        for token in ["a", "", "bcd"] { file.add(string: token) }
        file.add(array: "numbers", of: 5, count: 2)
        file.add(Int32(-7))
        file.add(Int32(7))
        file.add(tensor: "first", [32, 2], type: 8)
        file.add(tensor: "second", [2, 3, 2], offset: 96)
        file.pad()
        file.add(zeros: 96 + 48)
        return file.bytes
    }()

    @Test("The undamaged file opens")
    func undamaged() throws {
        #expect(try problem(opening: Self.valid) == nil)
    }

    @Test("Cut anywhere, the file is refused")
    func truncation() throws {
        let directory = try TemporaryDirectory()
        for count in 0..<Self.valid.count {
            let path = try directory.write(Array(Self.valid.prefix(count)))
            #expect(try problem(openingPath: path) != nil, "\(count) bytes")
        }
    }

    @Test("With any bytes changed, the file is read or refused", arguments: [1, 2, 3] as [UInt64])
    func randomDamage(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let directory = try TemporaryDirectory()
        for _ in 0..<500 {
            var bytes = Self.valid
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: bytes.indices, using: &generator)
                // Extremes are where lengths and counts go wrong.
                bytes[index] =
                    [0, 1, 0x7f, 0x80, 0xff, .random(in: 0...255, using: &generator)]
                    .randomElement(using: &generator) ?? 0
            }
            let path = try directory.write(bytes)
            guard try problem(openingPath: path) == nil else { continue }
            let file = try GGUFFile.open(path: path)
            for tensor in file.tensors {
                #expect(try file.read(tensor).count == tensor.byteCount)
            }
        }
    }

    @Test("A file that shrinks after it was opened gives an error")
    func shrinking() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(Self.valid)
        let file = try GGUFFile.open(path: path)
        let tensor = try #require(file.tensor("second"))
        try cut(path, to: tensor.fileOffset + 1)
        let error = try #require(throws: GGUFError.self) { try file.read(tensor) }
        #expect(error.subject == .tensor("second"))
        let size = FileError.shrank(
            path: path,
            byteCount: tensor.fileOffset + 1,
            expected: Self.valid.count
        )
        #expect(error.problem == .file(size))
    }

    @Test("Directories, devices and absent files are refused by name")
    func notFiles() throws {
        let directory = try TemporaryDirectory()
        let folder = directory.url.path
        #expect(
            try problem(openingPath: folder)
                == .file(.notRegular(path: folder, kind: "directory"))
        )
        #expect(
            try problem(openingPath: "/dev/zero")
                == .file(.notRegular(path: "/dev/zero", kind: "device"))
        )
        let absent = directory.path("absent.gguf")
        #expect(
            try problem(openingPath: absent)
                == .file(.system(operation: "open", path: absent, code: ENOENT))
        )
    }
}
