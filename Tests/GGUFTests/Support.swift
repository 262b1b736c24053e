import Foundation
import GGUF
import Tensors
import Testing

/// A directory of its own that goes with the value.
final class TemporaryDirectory {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appending(path: "moiety-gguf-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appending(path: name).path }

    func write(_ bytes: [UInt8], as name: String = "test.gguf") throws -> String {
        let path = path(name)
        if !FileManager.default.fileExists(atPath: path) {
            try Data().write(to: URL(filePath: path))
        }
        // Unlike `Data.write`, this does not wait for the disk.
        let handle = try FileHandle(forWritingTo: URL(filePath: path))
        try handle.truncate(atOffset: 0)
        try handle.write(contentsOf: Data(bytes))
        try handle.close()
        return path
    }
}

/// What opening a file of these bytes answers: the problem, or nil where it opens.
func problem(opening bytes: [UInt8]) throws -> GGUFError.Problem? {
    let directory = try TemporaryDirectory()
    return try problem(openingPath: directory.write(bytes))
}

func problem(openingPath path: String) throws -> GGUFError.Problem? {
    do {
        _ = try GGUFFile.open(path: path)
        return nil
    } catch {
        // Every error must be sayable.
        #expect(!error.description.isEmpty && error.description.hasPrefix(error.path))
        return error.problem
    }
}

/// Shortens a file in place.
func cut(_ path: String, to byteCount: Int) throws {
    let handle = try FileHandle(forWritingTo: URL(filePath: path))
    try handle.truncate(atOffset: UInt64(byteCount))
    try handle.close()
}

extension Bytes {
    var array: [UInt8] {
        withSpan { span in
            (0..<span.byteCount).map { unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        }
    }
}

/// Builds files by hand, lies included.
struct RawFile {
    var bytes: [UInt8] = []

    init(version: UInt32 = 3, tensors: UInt64 = 0, keys: UInt64 = 0, magic: String = "GGUF") {
        bytes = Array(magic.utf8)
        add(version)
        add(tensors)
        add(keys)
    }

    mutating func add(_ integer: some FixedWidthInteger) { bytes += Self.littleEndian(integer) }

    static func littleEndian(_ integer: some FixedWidthInteger) -> [UInt8] {
        (0..<integer.bitWidth / 8).map { UInt8(truncatingIfNeeded: integer >> (8 * $0)) }
    }

    mutating func add(string: String) { add(string: Array(string.utf8)) }

    mutating func add(string: [UInt8]) {
        add(UInt64(string.count))
        bytes += string
    }

    mutating func add(key: String, _ type: GGUFValueType) {
        add(string: key)
        add(type.rawValue)
    }

    mutating func add(array key: String, of type: UInt32, count: UInt64) {
        add(key: key, .array)
        add(type)
        add(count)
    }

    mutating func add(
        tensor name: String,
        _ dimensions: [UInt64],
        type: UInt32 = 0,
        offset: UInt64 = 0
    ) {
        add(string: name)
        add(UInt32(dimensions.count))
        for dimension in dimensions { add(dimension) }
        add(type)
        add(offset)
    }

    mutating func pad(to alignment: Int = 32) {
        while bytes.count % alignment != 0 { bytes.append(0) }
    }

    mutating func add(zeros count: Int) { bytes += [UInt8](repeating: 0, count: count) }

    /// A file from pieces, in one expression.
    static func make(
        tensors: UInt64 = 0,
        keys: UInt64 = 0,
        _ build: (inout RawFile) -> Void
    ) -> [UInt8] {
        var file = RawFile(tensors: tensors, keys: keys)
        build(&file)
        return file.bytes
    }
}

/// A bad file and what must be said about it.
struct BadFile: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let bytes: [UInt8]
    let problem: GGUFError.Problem

    init(_ description: String, _ problem: GGUFError.Problem, _ bytes: [UInt8]) {
        testDescription = description
        self.problem = problem
        self.bytes = bytes
    }
}
