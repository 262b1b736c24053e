import ClusterTesting
import Foundation
import Fuzzing
import Testing

/// Paths that name no regular file: an error at once, whatever they name.
@Suite("Paths that are no model file")
struct StrangePathTests {
    private func answer(_ path: String) -> String {
        guard case .refused(let words) = ModelProbe().outcome(ofFileAt: path) else {
            return "accepted"
        }
        return words
    }

    @Test(
        "What is not a regular file is refused by its kind",
        arguments: [
            ("/dev/zero", "device"), ("/dev/random", "device"), ("/dev/null", "device"),
            ("/dev/full", "device"), ("/tmp", "directory"), ("/proc/self/fd", "directory"),
        ]
    )
    func kinds(path: String, kind: String) {
        #expect(answer(path).contains("\(path): is a \(kind), not a regular file"))
    }

    @Test("A pipe that nobody writes to is not waited for, and a socket not connected to")
    func pipesAndSockets() throws {
        let pipe = try TemporaryFile("pipe.gguf")
        #expect(unsafe mkfifo(pipe.path, 0o600) == 0)
        #expect(answer(pipe.path).contains("is a pipe"))
        // Linux refuses to open a socket by its path.
        let socket = try TemporaryFile("socket.gguf")
        #expect(unsafe mknod(socket.path, S_IFSOCK | 0o600, 0) == 0)
        #expect(answer(socket.path).contains("cannot open"))
    }

    @Test("Links in a circle, links to nowhere and paths through files are told as such")
    func links() throws {
        let first = try TemporaryFile("first.gguf")
        let second = try TemporaryFile("second.gguf")
        let files = FileManager.default
        try files.createSymbolicLink(atPath: first.path, withDestinationPath: second.path)
        #expect(answer(first.path).contains("No such file"))
        try files.createSymbolicLink(atPath: second.path, withDestinationPath: first.path)
        #expect(answer(first.path).contains("Too many levels of symbolic links"))
        #expect(answer("/dev/null/model.gguf").contains("Not a directory"))
    }

    @Test("Empty, endless and NUL-ridden paths are refused")
    func texts() {
        #expect(answer("").contains("No such file"))
        #expect(answer("model\0.gguf").contains("NUL"))
        #expect(answer("/" + String(repeating: "x", count: 300)).contains("File name too long"))
        #expect(answer(String(repeating: "x/", count: 5000)).contains("File name too long"))
    }

    @Test("A directory that may not be entered is told as such", .enabled(if: getuid() != 0))
    func permission() throws {
        let file = try TemporaryFile("model.gguf")
        let directory = URL(filePath: file.path).deletingLastPathComponent().path
        #expect(unsafe chmod(directory, 0) == 0)
        defer { _ = unsafe chmod(directory, 0o700) }
        #expect(answer(file.path).contains("Permission denied"))
    }

    @Test("A sparse file of a terabyte is refused before memory is taken for it")
    func sparse() throws {
        // One tensor of 2^40 bytes, in a file with a hole of that size.
        let scratch = try TemporaryFile("sparse.gguf")
        var bytes = Array("GGUF".utf8)
        func add(_ value: some FixedWidthInteger) {
            bytes += (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        add(UInt32(3))
        add(UInt64(1))
        add(UInt64(0))
        add(UInt64(1))
        bytes += Array("t".utf8)
        add(UInt32(1))
        add(UInt64(1) << 40)
        add(UInt32(24))
        add(UInt64(0))
        try Data(bytes).write(to: URL(filePath: scratch.path))
        let handle = try FileHandle(forUpdating: URL(filePath: scratch.path))
        try handle.truncate(atOffset: 128 + (1 << 40))
        try handle.close()
        let words = answer(scratch.path)
        #expect(words.contains("no memory for \(1 << 40) bytes"), "\(words)")
        #expect(words.contains(scratch.path))
    }
}
