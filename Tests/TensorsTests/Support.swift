import Foundation
import Tensors

/// A directory of its own that goes with the value.
final class TemporaryDirectory {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appending(path: "moiety-tensors-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appending(path: name).path }

    func write(_ bytes: [UInt8], as name: String = "file") throws -> String {
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

/// Shortens a file in place.
func cut(_ path: String, to byteCount: Int) throws {
    let handle = try FileHandle(forWritingTo: URL(filePath: path))
    try handle.truncate(atOffset: UInt64(byteCount))
    try handle.close()
}

extension Bytes {
    var array: [UInt8] {
        withSpan { span in
            (0..<span.byteCount).map {
                unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
            }
        }
    }
}
