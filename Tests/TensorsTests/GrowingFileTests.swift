import Foundation
import Glibc
import Tensors
import Testing

@Suite("Files that grow over several lives")
struct GrowingFileTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func bytes(of path: String) throws -> [UInt8] {
        try Array(Data(contentsOf: URL(filePath: path)))
    }

    @Test("It goes on where it was, and is named at the end")
    func lives() throws {
        let path = directory.path("part")
        for life in 0..<3 {
            let file = try #require(try GrowingFile(path: path))
            #expect(file.byteCount == 2 * life)
            try file.append([UInt8(life), 9])
        }
        let file = try #require(try GrowingFile(path: path))
        var store = try ByteStore(capacity: 6)
        try store.append(6) { span throws(FileError) in try file.read(at: 0, into: &span) }
        #expect(store.withSpan(0..<6) { Array($0) } == [0, 9, 1, 9, 2, 9])
        try file.finish(as: directory.path("whole"))
        #expect(try bytes(of: directory.path("whole")) == [0, 9, 1, 9, 2, 9])
        #expect(!FileManager.default.fileExists(atPath: path))
        // Its name is free for another one, though it is still open.
        #expect(try GrowingFile(path: path)?.byteCount == 0)
    }

    @Test("One holder at a time; forgotten and removed, it is empty and gone")
    func holders() throws {
        let path = directory.path("part")
        let file = try #require(try GrowingFile(path: path))
        #expect(try GrowingFile(path: path) == nil)
        try file.append([1, 2, 3])
        try file.removeAll()
        #expect(file.byteCount == 0)
        try file.append([4])
        #expect(try bytes(of: path) == [4])
        file.remove()
        #expect(!FileManager.default.fileExists(atPath: path))
        file.remove()
    }

    @Test("A symbolic link, a directory or a pipe in its place is refused, and never waited for")
    func obstacles() throws {
        let target = try directory.write([1, 2, 3], as: "target")
        let link = directory.path("link")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
        let pipe = directory.path("pipe")
        let status = unsafe mkfifo(pipe, 0o600)
        #expect(status == 0)
        for path in [link, directory.url.path, pipe, directory.path("no/where"), "a\0b"] {
            #expect(throws: FileError.self) { _ = try GrowingFile(path: path) }
        }
        #expect(try bytes(of: target) == [1, 2, 3])
    }
}

@Suite("Listings of directories")
struct DirectoryListingTests {
    @Test("Every name with its kind and size; links are not followed; strange names come whole")
    func lists() throws {
        let directory = try TemporaryDirectory()
        _ = try directory.write([1, 2, 3], as: "file")
        _ = try directory.write([], as: "a name\nwith é and 漢")
        try FileManager.default.createDirectory(
            atPath: directory.path("folder"),
            withIntermediateDirectories: false
        )
        try FileManager.default.createSymbolicLink(
            atPath: directory.path("link"),
            withDestinationPath: directory.path("file")
        )
        let entries = try DirectoryListing.entries(of: directory.url.path)
            .sorted { $0.name < $1.name }
        #expect(entries.map(\.name) == ["a name\nwith é and 漢", "file", "folder", "link"])
        #expect(entries.map(\.isRegular) == [true, true, false, false])
        #expect(entries[1].byteCount == 3)
        try DirectoryListing.removeFile(directory.path("link"))
        #expect(try directory.url.checkResourceIsReachable())
        #expect(FileManager.default.fileExists(atPath: directory.path("file")))
        #expect(throws: FileError.self) {
            try DirectoryListing.removeFile(directory.path("folder"))
        }
    }

    @Test("A directory that is none, or not there, is an error that names it")
    func refuses() throws {
        for path in ["/nonexistent/x", "/dev/null", "a\0b"] {
            #expect(throws: FileError.self) { _ = try DirectoryListing.entries(of: path) }
        }
        let error = try #require(throws: FileError.self) {
            _ = try DirectoryListing.entries(of: "/nonexistent/x")
        }
        #expect(error.isMissingFile && !error.isFullDisk)
    }
}

@Suite("Memory that fills from front to back")
struct ByteStoreTests {
    @Test("What came can be read; what failed on the way did not come")
    func fills() throws {
        var store = try ByteStore(capacity: 10)
        store.append([1, 2, 3])
        #expect(throws: FileError.nulInPath("x")) {
            try store.append(4) { _ throws(FileError) in throw .nulInPath("x") }
        }
        #expect(store.count == 3)
        store.append([4])
        #expect(store.withSpan(1..<4) { Array($0) } == [2, 3, 4])
        store.removeAll()
        #expect(store.count == 0 && store.capacity == 10)
    }
}

extension [UInt8] {
    init(_ span: RawSpan) {
        self = []
        span.forEachPiece { append(contentsOf: $0) }
    }
}
