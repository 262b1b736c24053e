import ClusterTesting
import Foundation
import Fuzzing
import GGUF
import Model

/// The committed inputs of the fuzzers.
enum Corpus {
    static let fuzzers = ["gguf", "wire", "http", "templates"]
    static let directory = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/fuzz")

    /// All inputs of a fuzzer, by name.
    static func inputs(of fuzzer: String) throws -> [(name: String, bytes: [UInt8])] {
        let folder = directory.appending(path: fuzzer)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
            ($0, try Array(Data(contentsOf: folder.appending(path: $0))))
        }
    }

    static func write(_ bytes: [UInt8], as name: String, of fuzzer: String) throws {
        let folder = directory.appending(path: fuzzer)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(bytes).write(to: folder.appending(path: name))
    }
}

/// An input that a fuzzer starts from.
struct Seed {
    let fuzzer: String
    let name: String
    let bytes: [UInt8]
}

/// A valid file, and where its metadata ends.
struct ValidFile {
    let bytes: [UInt8]
    /// Header, keys and values, and tensor table.
    let headerByteCount: Int

    init(_ contents: TinyModelContents) throws {
        let file = try contents.writeTemporary()
        bytes = try Array(Data(contentsOf: URL(filePath: file.path)))
        headerByteCount = try GGUFFile.open(path: file.path).parts[0].headerByteCount
    }
}

/// Whether the environment asks for the run that takes minutes: `make damage`.
let runsLong = ProcessInfo.processInfo.environment["MOIETY_DAMAGE"] == "1"
