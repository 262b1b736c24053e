public import ExpertStore
import Kernels
import Model
import Tensors

/// How fast a disk gives bytes to a process that asks it directly: the limit of experts on disk.
public struct DirectReads: Sendable {
    /// How much of a file is asked for at once.
    public struct Way: Hashable, Sendable {
        /// Reads that are under way at once.
        public let threadCount: Int
        /// Bytes of a read.
        public let blockByteCount: Int

        /// - Precondition: 1 to 64 threads; a block is a power of two, from 4 KiB to 4 MiB.
        public init(threadCount: Int, blockByteCount: Int) {
            precondition((1...64).contains(threadCount), "\(threadCount) threads")
            precondition((4096...pieceByteCount).contains(blockByteCount))
            precondition(blockByteCount.nonzeroBitCount == 1, "\(blockByteCount) bytes")
            self.threadCount = threadCount
            self.blockByteCount = blockByteCount
        }
    }

    private let file: DirectFile
    private let memory: SlotMemory
    private let cpus = CurrentThread.cpus
    private let ways = [(2, 2 << 20), (4, 512 << 10), (4, 1 << 20), (8, 512 << 10)].map {
        Way(threadCount: $0.0, blockByteCount: $0.1)
    }

    /// Bytes of a piece, and how many are under way at once.
    private static let pieceByteCount = 4 << 20
    private static let pieceCount = 4
    /// What one measurement reads at least, and for how long: a disk behind a limit of bytes per
    /// second gives the first ones sooner.
    private static let byteCount = 256 << 20
    private static let duration = Duration.milliseconds(500)

    /// What measuring takes of the memory.
    public static let memoryByteCount = pieceByteCount * pieceCount

    /// The calling thread must not be bound to a CPU yet.
    ///
    /// - Parameter path: a file much larger than a piece.
    public init(path: String) throws {
        file = try DirectFile(path: path)
        memory = try SlotMemory(
            slotCount: Self.pieceCount,
            slotByteCount: Self.pieceByteCount
        )
    }

    /// Bytes per second, in the fastest of several ways; of random places, each in one piece.
    public func rate() throws(StoreError) -> Double {
        var best = 0.0
        for way in ways { best = max(best, try rate(way)) }
        return best
    }

    /// Bytes per second in one way; pieces of 4 MiB, four under way at once.
    public func rate(_ way: Way) throws(StoreError) -> Double {
        let source = Pieces(file: file, blockByteCount: way.blockByteCount)
        let pool = ReadPool(
            memory: memory,
            sources: [source],
            capacity: Self.pieceCount,
            threadCount: way.threadCount,
            cpus: cpus
        )
        var random = SeededRandom(seed: UInt64(way.blockByteCount + way.threadCount))
        let places = max(1, file.byteCount / Self.pieceByteCount - 1)
        func post(_ slot: Int) {
            let place = Int(random.next() >> 16) % places
            pool.post(ExpertID(layer: LayerIndex(0), index: place), slot: slot)
        }
        let start = ContinuousClock.now
        for slot in 0..<Self.pieceCount { post(slot) }
        var byteCount = 0
        var left = Self.pieceCount
        while left > 0 {
            let end = pool.wait()
            if end.source == nil, let trouble = end.trouble { throw trouble }
            byteCount += Self.pieceByteCount
            left -= 1
            let isEnough =
                byteCount >= Self.byteCount && ContinuousClock.now - start >= Self.duration
            if !isEnough {
                post(end.slot)
                left += 1
            }
        }
        return Double(byteCount) / ((ContinuousClock.now - start) / .seconds(1))
    }

    private struct Pieces: SlotSource {
        let file: DirectFile
        let blockByteCount: Int

        func blockCount(of expert: ExpertID) -> Int {
            DirectReads.pieceByteCount / blockByteCount
        }

        func read(
            _ block: Int,
            of expert: ExpertID,
            into memory: SlotMemory,
            slot: Int
        ) throws(StoreError) -> UInt64 {
            let start = block * blockByteCount
            do throws(FileError) {
                try memory.write(start..<start + blockByteCount, of: slot) {
                    span throws(FileError) in
                    let offset = expert.index * DirectReads.pieceByteCount + start
                    try file.read(at: offset, into: &span)
                }
            } catch {
                throw .file(error)
            }
            return 0
        }

        func check(_ sum: UInt64, of expert: ExpertID) throws(StoreError) {}
    }
}
