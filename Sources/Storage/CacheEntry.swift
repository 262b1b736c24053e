public import Model
import Tensors

/// One file of a cache: an expert, or a model's packed experts.
public struct CacheEntry: Equatable, Sendable {
    public enum Stage: String, Sendable {
        /// Whole, and verified when it came.
        case whole
        /// On its way, or left behind by a worker that ended before it was whole.
        case partial
        /// All experts of a model in one file, ready for computing; named by its key.
        case packed
        /// Packed experts that are being made, or were left behind by who did not end it.
        case unfinished
    }

    public let digest: ExpertDigest
    public let stage: Stage
    /// The file's.
    let name: String
    public let byteCount: Int
    /// When it was used last: seconds since 1970.
    public let usedSeconds: Int64
    let usedNanoseconds: Int64

    /// Nil for what is none of the cache's files.
    init?(_ entry: DirectoryEntry, stage: Stage) {
        var base = entry.name[...]
        var stage = stage
        if stage == .packed, let end = entry.name.firstRange(of: ".part-")?.lowerBound {
            (base, stage) = (entry.name[..<end], .unfinished)
        }
        guard entry.isRegular, let digest = ExpertDigest(hexadecimal: String(base)) else {
            return nil
        }
        self.digest = digest
        self.stage = stage
        name = entry.name
        byteCount = entry.byteCount
        usedSeconds = entry.modifiedSeconds
        usedNanoseconds = entry.modifiedNanoseconds
    }

    /// Whether it was used longer ago; ties go by name, so that all processes agree.
    func isOlder(than other: CacheEntry) -> Bool {
        (usedSeconds, usedNanoseconds, digest.hexadecimal)
            < (other.usedSeconds, other.usedNanoseconds, other.digest.hexadecimal)
    }
}

/// An expert that a worker wants, and the bytes it takes.
public struct WantedExpert: Hashable, Sendable {
    public let digest: ExpertDigest
    public let byteCount: Int

    public init(digest: ExpertDigest, byteCount: Int) {
        self.digest = digest
        self.byteCount = byteCount
    }
}
