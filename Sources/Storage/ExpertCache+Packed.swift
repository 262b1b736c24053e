import Foundation
public import Model
import Tensors

// MARK: - A model's experts in one file

extension ExpertCache {
    /// Where the packed experts of that key lie, or are to lie.
    public func packedPath(_ key: ExpertDigest) -> String {
        "\(path)/packed/\(key.hexadecimal)"
    }

    public func hasPacked(_ key: ExpertDigest) -> Bool {
        FileManager.default.fileExists(atPath: packedPath(key))
    }

    /// Runs `body` while no other process makes such a file.
    ///
    /// What makers left that were killed is removed first.
    ///
    /// - Parameter patience: how long another process that is at it is waited for.
    /// - Returns: nil where it still is then.
    public func whileMakingPacked<Result, Failure: Error>(
        patience: Duration = .zero,
        failure: (ExpertCacheError) -> Failure,
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        let lock: LockFile?
        do throws(FileError) {
            lock = try LockFile.waited(for: packedLockPath, patience: patience)
            if lock != nil { try removeLeftovers() }
        } catch {
            throw failure(.file(error))
        }
        guard let lock else { return nil }
        defer { withExtendedLifetime(lock) {} }
        return try body()
    }

    /// Everything but finished files: only who holds the lock makes others.
    private func removeLeftovers() throws(FileError) {
        for entry in try unfinished() {
            try DirectoryListing.removeFile("\(path)/packed/\(entry.name)")
        }
    }

    private func unfinished() throws(FileError) -> [CacheEntry] {
        try DirectoryListing.entries(of: "\(path)/packed")
            .compactMap { CacheEntry($0, stage: .packed) }.filter { $0.stage == .unfinished }
    }

    /// Bytes of packed experts that are being made now, whoever makes them.
    public func unfinishedByteCount() throws(ExpertCacheError) -> Int {
        do throws(FileError) {
            return try unfinished().reduce(0) { $0 + $1.byteCount }
        } catch {
            throw .file(error)
        }
    }

    /// Makes room for packed experts; what was not used for the longest time gives way.
    ///
    /// - Returns: nil where there is room now, else the bytes that there are.
    public func makeRoom(
        forPacked key: ExpertDigest,
        byteCount: Int
    ) throws(ExpertCacheError) -> Int? {
        try locked { () throws(ExpertCacheError) in
            let uses = try uses()
            let entries = try entries()
            let inUse = uses.reduce(into: try packedInUse(of: entries)) {
                $0.formUnion($1.experts)
            }
            let limit = byteLimit - uses.reduce(0) { $0 + $1.reservedByteCount }
            let free = freeByteCount - spareByteCount
            let plan = RoomPlan(
                wanted: [WantedExpert(digest: key, byteCount: byteCount)],
                entries: entries,
                inUse: inUse,
                byteLimit: limit,
                freeByteCount: free
            )
            guard plan.kept.contains(key) else {
                let total = entries.reduce(0) { $0 + $1.byteCount }
                let used = entries.filter { inUse.contains($0.digest) }
                    .reduce(0) { $0 + $1.byteCount }
                return max(0, min(limit - used, free + total - used))
            }
            for entry in plan.evicted { try remove(self.path(of: entry)) }
            return nil
        }
    }

    /// Removes packed experts that turned out to be damaged.
    public func removePacked(_ key: ExpertDigest) throws(ExpertCacheError) {
        try remove(packedPath(key))
    }

    private var packedLockPath: String { "\(path)/packed.lock" }

    /// Those of the packed files that some process reads, or makes.
    func packedInUse(of entries: [CacheEntry]) throws(ExpertCacheError) -> Set<ExpertDigest> {
        var inUse: Set<ExpertDigest> = []
        let unfinished = entries.filter { $0.stage == .unfinished }.map(\.digest)
        if !unfinished.isEmpty, try isMakingPacked() { inUse.formUnion(unfinished) }
        for entry in entries where entry.stage == .packed {
            do throws(FileError) {
                if try DirectFile.isInUse(packedPath(entry.digest)) { inUse.insert(entry.digest) }
            } catch {
                guard !error.isMissingFile else { continue }
                throw .file(error)
            }
        }
        return inUse
    }

    private func isMakingPacked() throws(ExpertCacheError) -> Bool {
        try ExpertCacheError.wrapping { () throws(FileError) in
            try LockFile(path: packedLockPath) == nil
        }
    }
}
