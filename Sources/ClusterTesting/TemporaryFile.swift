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
        // Nothing can be done about a directory that does not go.
        _ = try? FileManager.default.removeItem(at: directory)
    }
}
