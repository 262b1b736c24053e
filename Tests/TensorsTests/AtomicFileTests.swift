import Foundation
import Tensors
import Testing

@Suite("Atomic files")
struct AtomicFileTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.url.path)
    }

    @Test("A committed file holds small and large pieces in order")
    func commits() throws {
        let pieces = [10, 300_000, 0, 5, 262_144, 1].map { count in
            [UInt8](repeating: UInt8(count % 251), count: count)
        }
        let path = directory.path("a")
        let file = try AtomicFile(path: path)
        for piece in pieces { try file.append(piece) }
        #expect(file.byteCount == 562_160)
        #expect(try names() != ["a"])
        try file.commit()
        #expect(try names() == ["a"])
        #expect(try Array(Data(contentsOf: URL(filePath: path))) == pieces.flatMap(\.self))
    }

    @Test("A file dropped before its commit leaves the old one as it was")
    func drops() throws {
        let path = try directory.write([1, 2, 3], as: "a")
        do {
            let file = try AtomicFile(path: path)
            try file.append([9, 9] as [UInt8])
            #expect(try names().count == 2)
        }
        #expect(try names() == ["a"])
        #expect(try Array(Data(contentsOf: URL(filePath: path))) == [1, 2, 3])
    }

    @Test("A commit replaces the file of that name")
    func replaces() throws {
        let path = try directory.write([1, 2, 3], as: "a")
        let file = try AtomicFile(path: path)
        try file.append([1.0] as [Float])
        try file.commit()
        #expect(try Array(Data(contentsOf: URL(filePath: path))) == [0, 0, 0x80, 0x3f])
    }

    @Test("A directory that is not there is an error")
    func unwritable() throws {
        let error = try #require(throws: FileError.self) { _ = try AtomicFile(path: "/nowhere/a") }
        guard case .system("create", _, ENOENT) = error else {
            Issue.record("\(error)")
            return
        }
    }
}
