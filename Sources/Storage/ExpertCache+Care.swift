public import Model
import Tensors

// MARK: - What people do with it

extension ExpertCache {
    /// Names of what living processes need.
    public func digestsInUse() throws(ExpertCacheError) -> Set<ExpertDigest> {
        try locked { () throws(ExpertCacheError) in
            try uses().reduce(into: packedInUse(of: entries())) { $0.formUnion($1.experts) }
        }
    }

    /// Removes what was not used for the longest time, until all files take `byteCount` at most.
    ///
    /// What living processes need stays, even where it takes more than that.
    ///
    /// - Returns: what was removed.
    public func prune(to byteCount: Int) throws(ExpertCacheError) -> [CacheEntry] {
        try locked { () throws(ExpertCacheError) in
            let entries = try entries()
            let inUse = try uses().reduce(into: packedInUse(of: entries)) {
                $0.formUnion($1.experts)
            }
            var total = entries.reduce(0) { $0 + $1.byteCount }
            var removed: [CacheEntry] = []
            for entry in entries.sorted(by: { $0.isOlder(than: $1) }) {
                guard total > byteCount else { break }
                guard !inUse.contains(entry.digest) else { continue }
                try remove(path(of: entry))
                total -= entry.byteCount
                removed.append(entry)
            }
            return removed
        }
    }

    /// Reads a whole expert and compares it with its name; one that differs is removed.
    ///
    /// - Returns: false where it differed, nil where it is gone meanwhile.
    public func verify(_ digest: ExpertDigest) throws(ExpertCacheError) -> Bool? {
        guard let found = try hash(of: digest) else { return nil }
        guard found == digest else {
            try remove(digest)
            return false
        }
        return true
    }

    private func hash(of digest: ExpertDigest) throws(ExpertCacheError) -> ExpertDigest? {
        let path = wholePath(digest)
        do throws(FileError) {
            let file = try ReadableFile(path: path)
            var hasher = ExpertHasher()
            var buffer = ReadBuffer(byteCount: min(Self.pieceByteCount, file.byteCount))
            var start = 0
            while start < file.byteCount {
                let count = min(Self.pieceByteCount, file.byteCount - start)
                try buffer.pass(
                    count,
                    fill: { span throws(FileError) in try file.read(at: start, into: &span) },
                    to: { span throws(FileError) in hasher.update(span) }
                )
                start += count
            }
            return hasher.digest()
        } catch {
            guard !error.isMissingFile else { return nil }
            throw .file(error)
        }
    }

    /// What is read before it is hashed, while it is in the processor's cache.
    private static let pieceByteCount = 256 << 10
}
