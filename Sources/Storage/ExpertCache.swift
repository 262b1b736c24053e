import Foundation
public import Model
public import Tensors

/// Experts on a worker's disk: one file each, named by the hash of what is in it.
///
/// Several processes may share one directory. Nothing in it is trusted: whoever reads an expert
/// hashes it, so that a file cut by a crash or changed by a disk is found and fetched again.
/// That is why single experts are not made durable either.
///
/// ```
/// experts/HASH    whole; used last when the file was changed last
/// partial/HASH    on its way, locked by who writes it
/// packed/KEY      a model's experts, ready for computing; locked by who reads it
/// packed/KEY.part-N on its way, of whoever holds packed.lock
/// users/NAME.lock held by a process as long as it lives, with its experts in NAME.uses
/// lock            held for as long as it takes to count and to make room
/// ```
public struct ExpertCache: Sendable {
    public let path: String
    /// Bytes that all files together may take.
    public let byteLimit: Int
    /// Bytes of its disk that it leaves free.
    let spareByteCount: Int

    /// Others on the machine need room, too.
    public static let spareByteCount = 1 << 30
    /// Who holds the lock lists some thousand files, which takes milliseconds.
    static let lockPatience = Duration.seconds(10)

    /// Opens a cache, making its directory where it is missing.
    public init(
        path: String,
        byteLimit: Int,
        spareByteCount: Int = Self.spareByteCount
    ) throws(ExpertCacheError) {
        self.path = path
        self.byteLimit = byteLimit
        self.spareByteCount = spareByteCount
        for name in ["experts", "partial", "packed", "users"] {
            do {
                try FileManager.default.createDirectory(
                    atPath: "\(path)/\(name)",
                    withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700]
                )
            } catch {
                throw .directory(path: path, reason: error.localizedDescription)
            }
        }
    }

    /// Whether a cache was made there.
    public static func exists(at path: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(path)/experts")
    }

    /// Opens an expert's file, and notes that it was used; nil where there is none.
    public func open(_ digest: ExpertDigest) throws(ExpertCacheError) -> ReadableFile? {
        do throws(FileError) {
            let file = try ReadableFile(path: wholePath(digest))
            file.touch()
            return file
        } catch {
            guard !error.isMissingFile else { return nil }
            throw .file(error)
        }
    }

    /// Removes an expert that turned out to be damaged, or that nobody needs.
    public func remove(_ digest: ExpertDigest) throws(ExpertCacheError) {
        try remove(wholePath(digest))
    }

    /// What is there, whole or not, by hash.
    ///
    /// Names that are not the cache's are left out, and left alone everywhere.
    public func entries() throws(ExpertCacheError) -> [CacheEntry] {
        let whole = try entries(in: "experts", .whole)
        let partial = try entries(in: "partial", .partial)
        let packed = try entries(in: "packed", .packed)
        return (whole + partial + packed).sorted { $0.digest.hexadecimal < $1.digest.hexadecimal }
    }

    private func entries(
        in directory: String,
        _ stage: CacheEntry.Stage
    ) throws(ExpertCacheError) -> [CacheEntry] {
        try ExpertCacheError.wrapping { () throws(FileError) in
            try DirectoryListing.entries(of: "\(path)/\(directory)")
        }.compactMap { CacheEntry($0, stage: stage) }
    }

    // MARK: Paths

    func wholePath(_ digest: ExpertDigest) -> String { "\(path)/experts/\(digest.hexadecimal)" }

    func partialPath(_ digest: ExpertDigest) -> String { "\(path)/partial/\(digest.hexadecimal)" }

    func path(of entry: CacheEntry) -> String {
        switch entry.stage {
        case .whole: wholePath(entry.digest)
        case .partial: partialPath(entry.digest)
        case .packed, .unfinished: "\(path)/packed/\(entry.name)"
        }
    }

    /// Removes a file; one that is gone already is what was wanted.
    func remove(_ path: String) throws(ExpertCacheError) {
        do throws(FileError) {
            try DirectoryListing.removeFile(path)
        } catch {
            guard !error.isMissingFile else { return }
            throw .file(error)
        }
    }

    /// Runs `body` while no other process counts or makes room.
    func locked<Result>(
        _ body: () throws(ExpertCacheError) -> Result
    ) throws(ExpertCacheError) -> Result {
        let name = "\(path)/lock"
        let lock = try ExpertCacheError.wrapping { () throws(FileError) in
            try LockFile.waited(for: name, patience: Self.lockPatience)
        }
        guard let lock else { throw .busy(path: name) }
        defer { withExtendedLifetime(lock) {} }
        return try body()
    }
}
