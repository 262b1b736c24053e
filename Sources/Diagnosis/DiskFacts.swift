import Foundation

/// Room on the disk that a directory lies on.
public struct DiskFacts: Equatable, Sendable {
    /// What is kept there: `state`, `cache`.
    public let purpose: String
    public let path: String
    /// Bytes that are free; nil where that cannot be told.
    public let free: UInt64?
    /// Bytes that may be needed.
    public let wanted: UInt64

    public init(purpose: String, path: String, free: UInt64?, wanted: UInt64) {
        (self.purpose, self.path, self.free, self.wanted) = (purpose, path, free, wanted)
    }

    /// Looks at the directory, or at the nearest above it that is there.
    ///
    /// - Parameter limit: bytes that the directory may have; what it has already is not wanted.
    public init(purpose: String, path: String, limit: UInt64) {
        var place = URL(filePath: path)
        while !FileManager.default.fileExists(atPath: place.path), place.path != "/" {
            place.deleteLastPathComponent()
        }
        var free: UInt64?
        do {
            let facts = try FileManager.default.attributesOfFileSystem(forPath: place.path)
            free = (facts[.systemFreeSize] as? NSNumber)?.uint64Value
        } catch {
            // It is told as not known.
        }
        let used = Self.byteCount(of: path)
        self.init(purpose: purpose, path: path, free: free, wanted: limit - min(used, limit))
    }

    /// Of all files beneath a directory.
    private static func byteCount(of path: String) -> UInt64 {
        guard let paths = FileManager.default.enumerator(atPath: path) else { return 0 }
        var sum: UInt64 = 0
        while paths.nextObject() != nil {
            let size = paths.fileAttributes?[.size] as? NSNumber
            sum = sum.addingReportingOverflow(size?.uint64Value ?? 0).partialValue
        }
        return sum
    }

    public var finding: Finding {
        guard let free else {
            return .warn("disk", "\(path) (\(purpose)) cannot be looked at", "ls -ld \(path)")
        }
        let text = "\(gigabytes(free)) are free for \(path) (\(purpose))"
        guard free < wanted else { return .ok("disk", text) }
        return .warn(
            "disk",
            text + ", which may take \(gigabytes(wanted)) more",
            purpose == "cache"
                ? "make room, or set worker.cache-size lower" : "make room, or name another disk"
        )
    }
}
