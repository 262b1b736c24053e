import Foundation

/// A path in a directory of its own, which goes with the value.
public final class TemporaryFile: Sendable {
    private let directory: URL
    public let path: String

    /// - Parameter name: of the file, which is not made yet.
    public init(_ name: String) throws {
        directory = FileManager.default.temporaryDirectory
            .appending(path: "moiety-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        path = directory.appending(path: name).path
    }

    deinit {
        do {
            try FileManager.default.removeItem(at: directory)
        } catch {
            // It stays in the system's directory for such files, which is cleaned elsewhere.
        }
    }
}
