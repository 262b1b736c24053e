import Foundation

/// A file in memory whose content is replaced again and again.
///
/// Readers open it by its path as they open any other; no disk is waited for.
public final class ScratchFile {
    public let path: String
    private let handle: FileHandle

    public init() throws {
        let memory = URL(filePath: "/dev/shm")
        let files = FileManager.default
        let isThere = files.isWritableFile(atPath: memory.path)
        let directory = isThere ? memory : files.temporaryDirectory
        path = directory.appending(path: "moiety-scratch-\(UUID().uuidString).gguf").path
        guard files.createFile(atPath: path, contents: nil) else {
            throw CocoaError(.fileWriteUnknown)
        }
        handle = try FileHandle(forUpdating: URL(filePath: path))
    }

    deinit {
        do {
            try handle.close()
            try FileManager.default.removeItem(atPath: path)
        } catch {
            // It stays in a directory that is emptied with the machine's next start.
        }
    }

    /// Replaces the content.
    public func write(_ bytes: [UInt8]) throws {
        try handle.truncate(atOffset: 0)
        try handle.seek(toOffset: 0)
        try handle.write(contentsOf: Data(bytes))
    }

    /// Replaces the byte at `offset`.
    public func set(_ byte: UInt8, at offset: Int) throws {
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: Data([byte]))
    }

    /// Shortens the file, or makes it longer with zeros.
    public func resize(to byteCount: Int) throws {
        try handle.truncate(atOffset: UInt64(byteCount))
    }
}
