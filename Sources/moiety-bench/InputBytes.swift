import ArgumentParser
import Tensors

/// Files that somebody named.
enum InputBytes {
    /// All of a file.
    ///
    /// - Throws: what is wrong with it, and its name.
    static func of(_ path: String) throws -> [UInt8] {
        do throws(FileError) {
            let file = try ReadableFile(path: path)
            var bytes = [UInt8](repeating: 0, count: file.byteCount)
            try file.read(at: 0, into: &bytes)
            return bytes
        } catch {
            throw ValidationError("\(error)")
        }
    }
}
