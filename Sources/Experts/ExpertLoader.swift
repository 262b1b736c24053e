import Dispatch
import Kernels
public import Model
import Synchronization
import Tensors

/// Reads experts from a file, several at a time, and checks them on the way.
public struct ExpertLoader: Sendable {
    /// What loading has done so far.
    public struct Progress: Equatable, Sendable {
        public var loadedByteCount: Int
        public var totalByteCount: Int

        public init(loadedByteCount: Int, totalByteCount: Int) {
            self.loadedByteCount = loadedByteCount
            self.totalByteCount = totalByteCount
        }
    }

    private let source: any ExpertSource
    private let threadCount: Int

    /// - Parameter threadCount: reads in flight; disks like a few, hashing likes one per core.
    public init(source: any ExpertSource, threadCount: Int) {
        self.source = source
        self.threadCount = max(1, threadCount)
    }

    /// Reads from a model file.
    public init(model: ModelFile, threadCount: Int) {
        self.init(source: model, threadCount: threadCount)
    }

    /// Loads whole experts and returns them in order.
    public func load(
        _ experts: [ExpertID],
        digests: [ExpertDigest]? = nil,
        isCancelled: @Sendable () -> Bool = { false },
        progress: @Sendable (Progress) -> Void = { _ in }
    ) throws(ModelError) -> [FeedForwardWeights] {
        let parts = experts.map { ExpertSlice($0) }
        return try load(parts, digests: digests, isCancelled: isCancelled, progress: progress)
    }

    /// Loads experts and shards and returns them in order.
    ///
    /// - Parameters:
    ///   - digests: what the whole expert of each must hash to, in the same order, or nil to trust
    ///     the file. A shard is checked with its expert: all of it is read for that, and only the
    ///     shard is kept.
    ///   - isCancelled: asked before each expert; once true, the load ends with `cancelled`.
    ///   - progress: called after each expert, from any thread but one at a time.
    /// - Throws: the error of the first expert that could not be read or differs.
    public func load(
        _ experts: [ExpertSlice],
        digests: [ExpertDigest]? = nil,
        isCancelled: @Sendable () -> Bool = { false },
        progress: @Sendable (Progress) -> Void = { _ in }
    ) throws(ModelError) -> [FeedForwardWeights] {
        try load(
            experts,
            digests: digests,
            isCancelled: isCancelled,
            progress: progress,
            isMissing: { (_, _) in false }
        ).compactMap { $0 }
    }

    /// Loads what there is, in order, and leaves out what `isMissing` allows.
    ///
    /// - Parameters:
    ///   - digests: nil for those that are not to be hashed.
    ///   - isMissing: asked for each expert that could not be read or differs, from any thread but
    ///     one at a time; false ends the load with that error.
    public func load(
        _ experts: [ExpertSlice],
        digests: [ExpertDigest?]? = nil,
        isCancelled: @Sendable () -> Bool = { false },
        progress: @Sendable (Progress) -> Void = { _ in },
        isMissing: @Sendable (_ place: Int, _ reason: ModelError) -> Bool
    ) throws(ModelError) -> [FeedForwardWeights?] {
        precondition(digests == nil || digests?.count == experts.count)
        let total = experts.reduce(0) { $0 + source.layout.byteCount(of: $1) }
        let state = Mutex(LoadState(count: experts.count))
        let ahead = max(threadCount, Self.aheadByteCount * experts.count / max(1, total))
        let next = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: min(threadCount, max(1, experts.count))) { _ in
            while true {
                let place = next.add(1, ordering: .relaxed).oldValue
                guard place < experts.count, !isCancelled(),
                    state.withLock({ $0.error == nil })
                else { return }
                announce(experts, place, ahead: ahead)
                do throws(ModelError) {
                    let expert = try load(experts[place], expecting: digests?[place] ?? nil)
                    // Reported under the lock, so that no report overtakes another.
                    state.withLock { state in
                        let loaded = state.finish(place, expert)
                        progress(Progress(loadedByteCount: loaded, totalByteCount: total))
                    }
                } catch {
                    state.withLock { state in
                        guard state.error == nil, !isMissing(place, error) else { return }
                        state.error = error
                    }
                }
            }
        }
        let result = state.withLock { $0 }
        if let error = result.error { throw error }
        guard !isCancelled() else { throw .cancelled }
        return result.experts
    }

    /// Lets a disk fetch what is loaded next while this is loaded: so much of it that the disk
    /// always has something to do.
    private func announce(_ experts: [ExpertSlice], _ place: Int, ahead: Int) {
        let first = place == 0 ? 0 : place + ahead
        for place in first..<place + ahead + 1 where place < experts.count {
            source.announce(experts[place].expert)
        }
    }

    /// What a fast disk reads while an expert is put in place, many times over.
    private static let aheadByteCount = 64 << 20

    private func load(
        _ part: ExpertSlice,
        expecting digest: ExpertDigest?
    ) throws(ModelError) -> FeedForwardWeights {
        let stored = try source.open(part.expert, digest: digest)
        return try Self.load(
            part,
            of: stored,
            layout: source.layout,
            expecting: digest,
            path: source.path
        )
    }

    /// Puts one expert, or a shard of it, in place for computing.
    ///
    /// - Parameters:
    ///   - digest: what all of it must hash to, or nil where that is known already.
    ///   - path: where it is read from, for people.
    public static func load(
        _ part: ExpertSlice,
        of stored: any StoredExpert,
        layout: ExpertLayout,
        expecting digest: ExpertDigest?,
        path: String
    ) throws(ModelError) -> FeedForwardWeights {
        let matrices = try WeightMatrix.make(
            try layout.shapes(of: part, in: path),
            in: .panels,
            shortage: { .shortage($0, path: path) },
            fill: { writer throws(ModelError) in
                try write(part, of: stored, layout: layout, expecting: digest, path: path, writer)
            }
        )
        return FeedForwardWeights(gate: matrices[0], up: matrices[1], down: matrices[2])
    }

    /// Writes one expert, or a shard of it, where it is wanted.
    ///
    /// - Throws: also what is found only at its end; then what was written is of no use.
    static func write(
        _ part: ExpertSlice,
        of stored: any StoredExpert,
        layout: ExpertLayout,
        expecting digest: ExpertDigest?,
        path: String,
        _ writer: WeightWriter
    ) throws(ModelError) {
        guard let whole = layout.storedShapes(of: part.expert) else {
            throw .unknownExpert(part.expert, path: path)
        }
        var hasher = digest == nil ? nil : ExpertHasher()
        for (index, shape) in whole.enumerated() {
            let all = 0..<shape.rowCount
            // A shard's rows of gate and up; it has all rows of down, cut by the writer.
            let kept = index < 2 ? part.dimensions ?? all : all
            let rows = hasher == nil ? kept : all
            // Hashed and put in place while a piece is still in the processor's cache.
            try stored.read(index, rows: rows) { rows, weights throws(ModelError) in
                hasher?.update(weights)
                writer.write(rows, keeping: kept, of: index, weights)
            }
        }
        if let digest, let found = hasher?.digest(), found != digest {
            throw .differs(
                "\(part.expert) in \(path) differs from the coordinator's "
                    + "(digest \(found), expected \(digest)): copy the coordinator's file here"
            )
        }
    }
}

extension WeightWriter {
    /// Writes those of the stored `rows` that are kept, counted from the first one kept.
    fileprivate func write(
        _ rows: Range<Int>,
        keeping kept: Range<Int>,
        of matrix: Int,
        _ weights: RawSpan
    ) {
        let wanted = rows.clamped(to: kept)
        guard !wanted.isEmpty else { return }
        let size = weights.byteCount / rows.count
        let start = (wanted.lowerBound - rows.lowerBound) * size
        write(
            wanted.lowerBound - kept.lowerBound..<wanted.upperBound - kept.lowerBound,
            of: matrix,
            weights.extracting(start..<start + wanted.count * size)
        )
    }
}

private struct LoadState: Sendable {
    var experts: [FeedForwardWeights?]
    var byteCount = 0
    var error: ModelError?

    init(count: Int) { experts = Array(repeating: nil, count: count) }

    mutating func finish(_ place: Int, _ expert: FeedForwardWeights) -> Int {
        experts[place] = expert
        byteCount += expert.byteCount
        return byteCount
    }
}
