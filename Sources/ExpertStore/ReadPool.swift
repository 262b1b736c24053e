public import Kernels
public import Model
public import Tensors

/// The `moiety-read-N` threads: they bring experts into slots while others compute.
///
/// Reads are posted and their ends taken by one thread. Each goes block by block, several blocks at
/// a time; what one source cannot give is asked of the next one. Nothing is allocated once it
/// stands.
public final class ReadPool: Sendable {
    /// How the read of an expert ended.
    public struct End: Sendable {
        public let expert: ExpertID
        public let slot: Int
        /// The source that the expert came from, counted from 0; nil where it did not come.
        public let source: Int?
        /// Blocks that were read for it.
        public let blockCount: Int
        /// Why an earlier source did not give it, or none did; nil where it was given up.
        public let trouble: StoreError?
    }

    private let board: ReadBoard
    private let threads: [PoolThread]
    /// Reads under way at most.
    public let capacity: Int

    /// Enough for a disk's full speed, with blocks of half a megabyte.
    public static let defaultThreadCount = 4

    /// Blocks that are read ahead at once: one nearly keeps a disk busy, and whoever is waited for
    /// comes behind it.
    private static let aheadBlockCount = 1

    /// - Parameters:
    ///   - sources: asked in this order.
    ///   - capacity: reads under way at most.
    ///   - cpus: where threads may run: by default where the calling one may.
    ///   - now: the time.
    public init(
        memory: SlotMemory,
        sources: [any SlotSource],
        capacity: Int,
        threadCount: Int = defaultThreadCount,
        cpus: [Int] = CurrentThread.cpus,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        precondition(!sources.isEmpty && capacity > 0 && threadCount > 0)
        let board = ReadBoard(
            memory: memory,
            sources: sources,
            capacity: capacity,
            aheadLimit: Self.aheadBlockCount,
            now: now
        )
        self.board = board
        self.capacity = capacity
        threads = (0..<threadCount).map {
            PoolThread("moiety-read-\($0)", cpus: cpus) { board.serve() }
        }
    }

    deinit {
        board.close(threadCount: threads.count)
        for thread in threads { thread.join() }
    }

    /// Reads that are under way, or have ended and were not taken.
    public var count: Int { board.count }

    /// Whether the disk was idle often enough of late that reading ahead is worth its time.
    public var hasTimeToSpare: Bool { board.hasTimeToSpare }

    /// Begins to bring an expert into a slot, which nobody else may touch until the end is taken.
    ///
    /// - Parameter isAhead: whether nobody waits for it yet: then all others come first.
    /// - Precondition: fewer than `capacity` are under way.
    public func post(_ expert: ExpertID, slot: Int, isAhead: Bool = false) {
        board.post(expert, slot: slot, isAhead: isAhead)
    }

    /// Somebody waits for an expert that is read ahead, or was given up; if it did not end yet.
    public func hurry(_ expert: ExpertID) { board.hurry(expert) }

    /// Takes an end, if there is one.
    public func next() -> End? { board.next(waiting: false) }

    /// Waits for an end and takes it.
    ///
    /// - Precondition: something is under way.
    public func wait() -> End {
        precondition(count > 0, "nothing is under way")
        while true { if let end = board.next(waiting: true) { return end } }
    }

    /// Gives up every read: blocks that were not begun are left out, and the experts do not come.
    ///
    /// Their ends are taken as ever; each takes a block's time at most, where a source reads an
    /// expert as one block that expert's.
    public func abandon() { board.abandon(nil) }

    /// Gives up the read of one expert.
    public func abandon(_ expert: ExpertID) { board.abandon(expert) }
}
