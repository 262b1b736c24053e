public import Model
public import Tensors

/// One process that uses a cache: what it needs is not removed while it lives.
public final class CacheUser: Sendable {
    public let cache: ExpertCache
    private let name: String
    /// Held for as long as this lives; the system lets go of it when the process ends.
    private let lock: LockFile

    /// Signs in.
    public init(_ cache: ExpertCache) throws(ExpertCacheError) {
        self.cache = cache
        // Random, because numbers of processes come again, and are the same in two containers.
        name = String(UInt64.random(in: .min ... .max), radix: 16)
        let path = cache.lockPath(ofUser: name)
        // Who makes room takes a user for dead whose file is not locked yet.
        let lock = try cache.locked { () throws(ExpertCacheError) in
            try ExpertCacheError.wrapping { () throws(FileError) in try LockFile(path: path) }
        }
        guard let lock else { throw .busy(path: path) }
        self.lock = lock
    }

    deinit {
        do throws(ExpertCacheError) {
            try cache.forget(user: name)
        } catch {
            // The next one that makes room sees that its lock is free, and does it.
        }
    }

    /// Says what this process needs from now on, and makes room for what of it is wanted here.
    ///
    /// What others need stays, and so does what this one needs: where all of it does not fit, the
    /// first experts are kept, and the others have to be fetched again in the next life.
    ///
    /// - Parameters:
    ///   - wanted: what is to be here, the most important first.
    ///   - others: what is needed beside it, and stays if it is here.
    /// - Returns: the wanted experts that there is room to keep, those included that are there.
    public func claim(
        _ wanted: [WantedExpert],
        using others: Set<ExpertDigest> = []
    ) throws(ExpertCacheError) -> Set<ExpertDigest> {
        try cache.locked { () throws(ExpertCacheError) in
            let uses = try cache.uses(except: name)
            let entries = try cache.entries()
            let packed = try cache.packedInUse(of: entries).union(others)
            let inUse = uses.reduce(into: packed) { $0.formUnion($1.experts) }
            let plan = RoomPlan(
                wanted: wanted,
                entries: entries,
                inUse: inUse,
                byteLimit: cache.byteLimit - uses.reduce(0) { $0 + $1.reservedByteCount },
                freeByteCount: cache.freeByteCount - cache.spareByteCount
            )
            for entry in plan.evicted { try cache.remove(cache.path(of: entry)) }
            let all = others.union(wanted.map(\.digest))
            try write(CacheUse(plan.reservedByteCount, Array(all)))
            return plan.kept
        }
    }

    /// Says that nothing more will be written under the last claim, and what is in use.
    public func settle(_ used: [ExpertDigest]) throws(ExpertCacheError) {
        try write(CacheUse(0, used))
    }

    /// Begins to keep an expert, or goes on where this process or another one ended.
    ///
    /// - Returns: nil where another process is at it.
    public func begin(_ digest: ExpertDigest) throws(ExpertCacheError) -> GrowingFile? {
        let path = cache.partialPath(digest)
        return try ExpertCacheError.wrapping { () throws(FileError) in try GrowingFile(path: path) }
    }

    /// Puts a whole and verified expert in its place.
    public func finish(_ file: GrowingFile, as digest: ExpertDigest) throws(ExpertCacheError) {
        let path = cache.wholePath(digest)
        try ExpertCacheError.wrapping { () throws(FileError) in try file.finish(as: path) }
    }

    private func write(_ use: CacheUse) throws(ExpertCacheError) {
        let path = cache.usesPath(ofUser: name)
        try ExpertCacheError.wrapping { () throws(FileError) in
            let file = try AtomicFile(path: path)
            try file.append(use.encoded)
            try file.commit()
        }
    }
}

/// What one process needs of a cache: a line with the bytes it may still write, then a hash a line.
struct CacheUse: Equatable {
    let reservedByteCount: Int
    let experts: [ExpertDigest]

    init(_ reservedByteCount: Int, _ experts: [ExpertDigest]) {
        self.reservedByteCount = reservedByteCount
        self.experts = experts
    }

    /// Lines that make no sense are passed over: then less is protected, and nothing is lost.
    init(_ text: [UInt8]) {
        let lines = text.split(separator: UInt8(ascii: "\n"))
            .map { String(decoding: $0, as: UTF8.self) }
        reservedByteCount = max(0, lines.first.flatMap { Int($0) } ?? 0)
        experts = lines.dropFirst().compactMap { ExpertDigest(hexadecimal: $0) }
    }

    var encoded: [UInt8] {
        let lines = ["\(reservedByteCount)"] + experts.map(\.hexadecimal)
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }
}
