import Cluster
import Experts
import GGUF
import Logging
import Messaging
import Model
import Storage
import Synchronization

/// One load under way: what is here, what is missing, and from where it is taken next.
struct SupplyLoad {
    private let order: LoadOrder
    private let supply: ExpertSupply
    private let isCancelled: @Sendable () -> Bool
    private let progress: @Sendable (ExpertLoader.Progress) -> Void
    private let totalByteCount: Int
    private var loadedByteCount = 0
    private var found: [HeldExpert?]
    /// Places in the order of what is not here yet.
    private var missing: [Int]
    /// Why the first of them was not taken from where it was expected.
    private var firstFailure: ModelError?

    /// Experts that a log names one by one before it only counts them.
    private static let toldFailureCount = 3
    /// A load that nobody wants any more ends after this much waiting.
    private static let cancelTime = Duration.milliseconds(100)

    init(
        _ order: LoadOrder,
        supply: ExpertSupply,
        isCancelled: @escaping @Sendable () -> Bool,
        progress: @escaping @Sendable (ExpertLoader.Progress) -> Void
    ) {
        self.order = order
        self.supply = supply
        self.isCancelled = isCancelled
        self.progress = progress
        totalByteCount = order.experts.reduce(0) { $0 + order.layout.byteCount(of: $1.part) }
        found = Array(repeating: nil, count: order.experts.count)
        missing = Array(order.experts.indices)
    }

    var isComplete: Bool { missing.isEmpty }

    /// What came, in the order of the order.
    ///
    /// - Precondition: all of it.
    var experts: [HeldExpert] {
        precondition(isComplete, "\(missing.count) experts are missing")
        return found.compactMap { $0 }
    }

    // MARK: Files

    /// Takes what a model file has; what was hashed before, and did not change since, is not hashed
    /// again.
    mutating func take(
        fromFile file: ModelFile,
        counting count: any WritableKeyPath<SupplyCounts, UInt64> & Sendable
    ) throws(SupplyError) {
        guard let directory = supply.machine.stateDirectory, file.file.isUnchanged else {
            return try take(from: file, counting: count)
        }
        let before = self
        var verified = VerifiedExperts(of: file, in: directory)
        try take(from: file, counting: count, trusting: verified)
        guard file.file.isUnchanged else {
            // Somebody writes to it right now: nothing of it is taken unseen.
            self = before
            return try take(from: file, counting: count)
        }
        for place in before.missing where found[place] != nil {
            verified.add(order.experts[place].expert, order.experts[place].digest)
        }
        do {
            try verified.save()
        } catch {
            supply.logger.notice("Hashes not kept", metadata: ["reason": "\(error)"])
        }
    }

    /// Makes sure that a file's whole experts are the coordinator's, and leaves them on disk.
    ///
    /// What was hashed before, and did not change since, is not hashed again.
    ///
    /// - Parameter disk: where they are computed from; their low tier may have to be in memory.
    /// - Throws: where one is another, or the file is being changed: nothing is taken from
    ///   elsewhere, for it would have to stay in memory.
    mutating func verify(in file: ModelFile, _ disk: DiskExperts) throws(SupplyError) {
        var verified = supply.machine.stateDirectory.map { VerifiedExperts(of: file, in: $0) }
        for place in missing where order.experts[place].part.dimensions == nil {
            guard !isCancelled() else { throw .cancelled }
            let expert = order.experts[place]
            do throws(ModelError) {
                try verify(expert, in: file, &verified)
                found[place] = try held(expert.expert, disk)
            } catch {
                throw .model(error)
            }
            loadedByteCount += order.layout.byteCount(of: expert.part)
            progress(.init(loadedByteCount: loadedByteCount, totalByteCount: totalByteCount))
        }
        guard file.file.isUnchanged else {
            throw .model(.differs("\(file.path) was changed while its experts were hashed"))
        }
        let count = missing.count
        missing.removeAll { found[$0] != nil }
        supply.count { [missing] in $0.fromFile += UInt64(count - missing.count) }
        do {
            try verified?.save()
        } catch {
            supply.logger.notice("Hashes not kept", metadata: ["reason": "\(error)"])
        }
    }

    private func held(
        _ expert: ExpertID,
        _ disk: DiskExperts
    ) throws(ModelError) -> HeldExpert {
        guard case .tiered(let stores) = disk else { return .stored }
        let lowered = try stores.lowered(expert) { trouble in
            supply.logger.warning(
                "An expert is read from the model file, which is slow",
                metadata: ["reason": "\(trouble)"]
            )
        }
        return lowered ?? .stored
    }

    private func verify(
        _ expert: WorkerSession.AssignedExpert,
        in file: ModelFile,
        _ verified: inout VerifiedExperts?
    ) throws(ModelError) {
        guard verified?.contains(expert.expert, expert.digest) != true else { return }
        let found = try file.digest(of: expert.expert)
        guard found == expert.digest else {
            throw .differs(
                "\(expert.expert) in \(file.path) differs from the coordinator's (digest \(found), "
                    + "expected \(expert.digest)): copy the coordinator's file here"
            )
        }
        verified?.add(expert.expert, found)
    }

    /// Takes what a source has, and leaves what it has not, or has damaged.
    mutating func take(
        from source: any ExpertSource,
        counting count: any WritableKeyPath<SupplyCounts, UInt64> & Sendable,
        trusting verified: VerifiedExperts? = nil,
        onDamage: @Sendable (WorkerSession.AssignedExpert) -> Void = { _ in }
    ) throws(SupplyError) {
        let places = missing
        let experts = places.map { order.experts[$0] }
        let failures = Mutex<[(place: Int, error: ModelError)]>([])
        let base = loadedByteCount
        // One thread reads on the caller's, which has stood back.
        let threadCount = order.pace.isUrgent ? supply.machine.loadThreadCount : 1
        let loader = ExpertLoader(source: source, threadCount: threadCount)
        let taken: [FeedForwardWeights?]
        do throws(ModelError) {
            taken = try loader.load(
                experts.map(\.part),
                digests: experts.map { expert in
                    let isKnown = verified?.contains(expert.expert, expert.digest) ?? false
                    return isKnown ? nil : expert.digest
                },
                isCancelled: isCancelled,
                progress: { [totalByteCount, progress] in
                    progress(
                        .init(
                            loadedByteCount: base + $0.loadedByteCount,
                            totalByteCount: totalByteCount
                        )
                    )
                },
                isMissing: { place, error in
                    guard error.isOfThisCopy else { return false }
                    failures.withLock { $0.append((place, error)) }
                    return true
                }
            )
        } catch {
            throw .model(error)
        }
        for (place, weights) in zip(places, taken) {
            guard let weights else { continue }
            found[place] = .weights(weights)
            loadedByteCount += order.layout.byteCount(of: order.experts[place].part)
        }
        missing = places.filter { found[$0] == nil }
        supply.count { $0[keyPath: count] += UInt64(places.count - missing.count) }
        fallBack(failures.withLock { $0 }.map { (experts[$0.place], $0.error) }, onDamage)
    }

    /// Tells and counts what is looked for elsewhere.
    private mutating func fallBack(
        _ failures: [(expert: WorkerSession.AssignedExpert, error: ModelError)],
        _ onDamage: (WorkerSession.AssignedExpert) -> Void
    ) {
        let failures = failures.filter { failure in
            if case .absentExpert = failure.error { false } else { true }
        }
        guard let first = failures.first else { return }
        firstFailure = firstFailure ?? first.error
        supply.count { $0.fallBacks += UInt64(failures.count) }
        for failure in failures { onDamage(failure.expert) }
        for failure in failures.prefix(Self.toldFailureCount) {
            supply.logger.warning(
                "An expert is looked for elsewhere",
                metadata: ["reason": "\(failure.error)"]
            )
        }
        let others = failures.count - Self.toldFailureCount
        guard others > 0 else { return }
        supply.logger.warning("Others too", metadata: ["experts": "\(others)"])
    }

    // MARK: Cache and coordinator

    /// Takes from the cache what is there, and fetches the rest from the coordinator.
    mutating func fetch(keptBy user: CacheUser?) throws(SupplyError) {
        let wanted = wantedExperts()
        let kept = claim(wanted, user)
        if let cache = user?.cache {
            let source = CachedExperts(cache, layout: order.layout)
            try take(from: source, counting: \.fromCache) { expert in
                do throws(ExpertCacheError) {
                    try cache.remove(expert.digest)
                } catch {
                    // It stays in the way: what is fetched then takes its place.
                }
            }
        }
        if !isComplete { try fetch(kept, user) }
        guard let user else { return }
        do throws(ExpertCacheError) {
            try user.settle(order.assigned)
        } catch {
            // Room that stays reserved is missed by others, and free again when this process ends.
            supply.logger.debug("Cache not settled", metadata: ["reason": "\(error)"])
        }
    }

    /// What is missing, each hash once: experts may be equal.
    private func wantedExperts() -> [WantedExpert] {
        var seen: Set<ExpertDigest> = []
        return missing.compactMap { place in
            let expert = order.experts[place]
            guard let size = order.layout.byteCount(of: expert.expert),
                seen.insert(expert.digest).inserted
            else { return nil }
            return WantedExpert(digest: expert.digest, byteCount: size)
        }
    }

    private func claim(_ wanted: [WantedExpert], _ user: CacheUser?) -> Set<ExpertDigest> {
        guard let user else { return [] }
        do throws(ExpertCacheError) {
            return try user.claim(wanted, using: Set(order.assigned))
        } catch {
            supply.logger.warning("Nothing is kept", metadata: ["reason": "\(error)"])
            return []
        }
    }

    private mutating func fetch(
        _ kept: Set<ExpertDigest>,
        _ user: CacheUser?
    ) throws(SupplyError) {
        guard !order.chunkEndpoint.value.isEmpty, !wantedExperts().isEmpty else {
            if let firstFailure { throw .model(firstFailure) }
            throw .nowhere(experts: missing.count)
        }
        let wanted = wantedExperts()
        let unkept = wanted.filter { !kept.contains($0.digest) }.count
        if user != nil, unkept > 0 {
            supply.logger.warning(
                "The cache or its disk is too small; the rest is fetched again at the next start",
                metadata: ["experts": "\(unkept)"]
            )
        }
        let partial = partialByteCounts(user)
        let arrived = Arrived()
        let context: MessagingContext
        do throws(MessagingError) { context = try MessagingContext() } catch {
            throw .messaging(error)
        }
        let loop = ChunkLoop(
            wanted.map {
                ExpertFetch.Wanted(
                    digest: $0.digest,
                    byteCount: $0.byteCount,
                    doneByteCount: kept.contains($0.digest)
                        ? min(partial[$0.digest] ?? 0, $0.byteCount) : 0
                )
            },
            from: order.chunkEndpoint,
            keeping: kept,
            by: user,
            dial: { [machine = supply.machine] (endpoint, options) throws(MessagingError) in
                try machine.dialer.dial(endpoint, options: options, in: context)
            },
            clock: LoopClock(),
            receive: { arrived.experts.append($0) }
        )
        defer {
            supply.count {
                $0.fetchedByteCount += UInt64(loop.fetchedByteCount)
                $0.notKept += UInt64(unkept + loop.troubles.count)
            }
        }
        try run(loop, arrived)
        if let trouble = loop.troubles.first {
            supply.logger.warning("Not all is kept", metadata: ["reason": "\(trouble)"])
        }
    }

    /// What came whole and is not put in place yet.
    private final class Arrived {
        var experts: [ArrivingExpert] = []
    }

    private mutating func run(_ loop: ChunkLoop, _ arrived: Arrived) throws(SupplyError) {
        var poller = Poller()
        let clock = LoopClock()
        while true {
            guard !isCancelled() else { throw .cancelled }
            try loop.turn()
            for expert in arrived.experts { try place(expert) }
            arrived.experts = []
            guard !loop.isComplete else { return }
            let rest = loop.nextDeadline.map { max(.zero, $0 - clock.now) } ?? Self.cancelTime
            do throws(MessagingError) {
                _ = try poller.wait(
                    for: loop.socket.map { [$0] } ?? [],
                    timeout: min(rest, Self.cancelTime)
                )
            } catch {
                throw .messaging(error)
            }
        }
    }

    /// Puts a fetched expert wherever it was ordered.
    private mutating func place(_ expert: ArrivingExpert) throws(SupplyError) {
        for place in missing where order.experts[place].digest == expert.digest {
            let part = order.experts[place].part
            guard let shapes = order.layout.storedShapes(of: part.expert) else { continue }
            do throws(ModelError) {
                found[place] = .weights(
                    try ExpertLoader.load(
                        part,
                        of: expert.stored(shapes),
                        layout: order.layout,
                        expecting: nil,
                        path: "what the coordinator sent"
                    )
                )
            } catch {
                throw .model(error)
            }
            loadedByteCount += order.layout.byteCount(of: part)
            supply.count { $0.fetched += 1 }
        }
        missing.removeAll { found[$0] != nil }
        progress(.init(loadedByteCount: loadedByteCount, totalByteCount: totalByteCount))
    }

    /// Bytes that earlier attempts left, by hash.
    private func partialByteCounts(_ user: CacheUser?) -> [ExpertDigest: Int] {
        guard let user else { return [:] }
        do throws(ExpertCacheError) {
            let partial = try user.cache.entries().filter { $0.stage == .partial }
            return Dictionary(
                partial.map { ($0.digest, $0.byteCount) },
                uniquingKeysWith: { first, _ in first }
            )
        } catch {
            return [:]
        }
    }
}
