import Foundation
import Tensors
import Testing

@Suite("Readable files")
struct ReadableFileTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    func error(opening path: String) throws -> FileError {
        try #require(throws: FileError.self) { _ = try ReadableFile(path: path) }
    }

    @Test("Bytes are read at any offset up to the end")
    func reads() throws {
        let file = try ReadableFile(path: directory.write(Array(0..<100)))
        #expect(file.byteCount == 100)
        #expect(try file.read(at: 0, count: 100).array == Array(0..<100))
        #expect(try file.read(at: 97, count: 3).array == [97, 98, 99])
        #expect(try file.read(at: 100, count: 0).array == [])
        var buffer: [UInt8] = [0, 0]
        try file.read(at: 10, into: &buffer)
        #expect(buffer == [10, 11])
    }

    @Test("A range that is not inside the file is refused before memory is taken")
    func outside() throws {
        let file = try ReadableFile(path: directory.write(Array(0..<100)))
        for (offset, count) in [(0, 101), (100, 1), (-1, 1), (0, -1), (1, Int.max), (Int.max, 1)] {
            let error = try #require(throws: FileError.self) {
                _ = try file.read(at: offset, count: count)
            }
            let expected = FileError.outside(
                path: file.path,
                offset: offset,
                count: count,
                byteCount: 100
            )
            #expect(error == expected)
        }
    }

    @Test("A file that shrinks gives an error, not a crash")
    func shrinks() throws {
        let file = try ReadableFile(path: directory.write(Array(0..<100)))
        try cut(file.path, to: 40)
        let error = try #require(throws: FileError.self) { _ = try file.read(at: 30, count: 20) }
        #expect(error == .shrank(path: file.path, byteCount: 40, expected: 100))
    }

    @Test("A read behind the end of a file that shrank tells its size, not where the read began")
    func shrinksBeforeRead() throws {
        let file = try ReadableFile(path: directory.write(Array(0..<100)))
        try cut(file.path, to: 40)
        let error = try #require(throws: FileError.self) { _ = try file.read(at: 90, count: 5) }
        #expect(error == .shrank(path: file.path, byteCount: 40, expected: 100))
    }

    @Test("Pipes, directories and devices are refused without waiting")
    func notRegular() throws {
        let pipe = directory.path("pipe")
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        #expect(try error(opening: pipe) == .notRegular(path: pipe, kind: "pipe"))
        let folder = directory.url.path
        #expect(try error(opening: folder) == .notRegular(path: folder, kind: "directory"))
        #expect(try error(opening: "/dev/zero") == .notRegular(path: "/dev/zero", kind: "device"))
    }

    @Test("An error says path, operation and reason")
    func wording() throws {
        #expect(
            try error(opening: "/nowhere/x").description
                == "/nowhere/x: cannot open: No such file or directory"
        )
        #expect(try error(opening: "a\0b") == .nulInPath("a\0b"))
    }

    @Test("The identity stays while nothing changes, and changes with the content")
    func identity() throws {
        let path = try directory.write([1, 2, 3])
        let file = try ReadableFile(path: path)
        #expect(try ReadableFile(path: path).identity == file.identity)
        #expect(try file.currentIdentity() == file.identity)
        try cut(path, to: 2)
        #expect(try file.currentIdentity() != file.identity)
        #expect(try file.currentIdentity().inode == file.identity.inode)
    }

    @Test("Many threads read one file at once")
    func threads() async throws {
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let file = try ReadableFile(path: directory.write(bytes))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<16 {
                group.addTask {
                    let range = part * 6000..<part * 6000 + 6000
                    let read = try file.read(at: range.lowerBound, count: range.count).array
                    #expect(read == Array(bytes[range]))
                }
            }
            try await group.waitForAll()
        }
    }
}
