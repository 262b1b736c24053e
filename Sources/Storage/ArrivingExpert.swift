public import Model
public import Tensors

/// An expert while it arrives: in memory, and in the cache as far as there is room for it.
///
/// Trouble with the disk never stops it: then it is only in memory.
public final class ArrivingExpert {
    public let digest: ExpertDigest
    public let byteCount: Int
    /// Why it is not kept; nil where it is, or was not meant to be.
    public private(set) var trouble: ExpertCacheError?
    private var store: ByteStore
    private let user: CacheUser?
    private var file: GrowingFile?
    private var hasher = ExpertHasher()

    /// Begins with what an earlier attempt left in the cache.
    ///
    /// - Parameter user: whose cache keeps it, nil for none.
    /// - Throws: what the machine has too little memory for.
    public init(
        _ digest: ExpertDigest,
        byteCount: Int,
        keptBy user: CacheUser?
    ) throws(MemoryShortage) {
        self.digest = digest
        self.byteCount = byteCount
        self.user = user
        store = try ByteStore(capacity: byteCount)
        attempt { () throws(ExpertCacheError) in
            guard try !copy() else { return }
            file = try user?.begin(digest)
            try resume()
        }
    }

    /// Bytes that are here; the next ones are wanted from there on.
    public var count: Int { store.count }

    public var isWhole: Bool { count == byteCount }

    /// - Precondition: no more than are missing.
    public func append(_ bytes: [UInt8]) {
        let start = count
        store.append(bytes)
        store.withSpan(start..<count) { hasher.update($0) }
        attempt { () throws(ExpertCacheError) in
            try ExpertCacheError.wrapping { () throws(FileError) in try file?.append(bytes) }
        }
    }

    /// Hashes what came; a right one is put into its place in the cache, a wrong one is given up.
    ///
    /// - Returns: whether it is the one that was wanted; else it has to arrive anew.
    /// - Precondition: it is whole.
    public func verify() -> Bool {
        precondition(isWhole, "\(count) of \(byteCount) bytes")
        guard hasher.digest() == digest else {
            startAnew()
            return false
        }
        attempt { () throws(ExpertCacheError) in
            if let file { try user?.finish(file, as: digest) }
        }
        file = nil
        return true
    }

    /// Reads it.
    ///
    /// - Parameter shapes: of its three matrices, as stored.
    /// - Precondition: it was verified.
    public func stored(_ shapes: [MatrixShape]) -> any StoredExpert {
        ExpertInMemory(digest: digest, shapes: shapes, store: store)
    }

    /// Takes it from the cache where another worker was faster.
    ///
    /// - Returns: whether it is here now.
    private func copy() throws(ExpertCacheError) -> Bool {
        guard let found = try user?.cache.open(digest), found.byteCount == byteCount else {
            return false
        }
        try ExpertCacheError.wrapping { () throws(FileError) in
            try store.append(byteCount) { span throws(FileError) in
                try found.read(at: 0, into: &span)
            }
        }
        store.withSpan(0..<count) { hasher.update($0) }
        guard hasher.digest() != digest else { return true }
        startAnew()
        return false
    }

    private func resume() throws(ExpertCacheError) {
        guard let file else { return }
        let count = file.byteCount
        guard count > 0, count <= byteCount else { return try empty(file) }
        try ExpertCacheError.wrapping { () throws(FileError) in
            try store.append(count) { span throws(FileError) in
                try file.read(at: 0, into: &span)
            }
        }
        store.withSpan(0..<count) { hasher.update($0) }
        // Left whole by a process that ended before it looked: as good as if it had come now.
        if isWhole, hasher.digest() != digest { startAnew() }
    }

    private func startAnew() {
        store.removeAll()
        hasher = ExpertHasher()
        attempt { () throws(ExpertCacheError) in
            if let file { try empty(file) }
        }
    }

    private func empty(_ file: GrowingFile) throws(ExpertCacheError) {
        try ExpertCacheError.wrapping { () throws(FileError) in try file.removeAll() }
    }

    /// Keeps no more where the disk does not take it; what is there of it gives way to others.
    private func attempt(_ body: () throws(ExpertCacheError) -> Void) {
        do throws(ExpertCacheError) {
            try body()
        } catch {
            trouble = trouble ?? error
            file?.remove()
            file = nil
        }
    }
}

private struct ExpertInMemory: StoredExpert {
    let digest: ExpertDigest
    let shapes: [MatrixShape]
    let store: ByteStore

    func read(
        _ matrix: Int,
        rows: Range<Int>,
        _ body: (_ rows: Range<Int>, _ weights: RawSpan) throws(ModelError) -> Void
    ) throws(ModelError) {
        let shape = shapes[matrix]
        let start = shapes[..<matrix].reduce(0) { $0 + $1.byteCount(in: .rows) }
        let size = shape.rowByteCount
        let part = start + rows.lowerBound * size..<start + rows.upperBound * size
        try store.withSpan(part) { span throws(ModelError) in
            if let place = shape.type.firstNotFinite(in: span) {
                throw .notFinite(
                    tensor: digest.hexadecimal,
                    fileOffset: part.lowerBound + place,
                    path: "what was fetched"
                )
            }
            try body(rows, span)
        }
    }
}
