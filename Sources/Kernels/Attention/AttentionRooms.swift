import CKernels
import Synchronization

/// Hands out task numbers to whoever asks next.
final class Claims: Sendable {
    private let nextTask = Atomic<Int>(0)
    private let limit = Atomic<Int>(0)

    /// Starts over with numbers below `count`.
    func start(_ count: Int) {
        limit.store(count, ordering: .relaxed)
        nextTask.store(0, ordering: .releasing)
    }

    func next() -> Int? {
        let (task, _) = nextTask.add(1, ordering: .acquiringAndReleasing)
        return task < limit.load(ordering: .relaxed) ? task : nil
    }
}

/// Memory that attention writes before it reads: for each thread, and for results of tiles.
@unsafe struct AttentionRooms {
    /// Queries of a part, packed block by block; then the block of a tile, the results so far of
    /// every block, and scores.
    private let threads: UnsafeMutablePointer<Float>
    /// Results of single tiles, in blocks.
    private let kept: UnsafeMutablePointer<Float>
    private let lengths: UnsafeMutablePointer<Int>
    private let threadLength: Int
    /// Floats of a packed block of queries, and of what is known about one.
    let packedLength: Int
    let resultLength: Int
    private let blocks: Int
    /// Threads write to lines of their own.
    private static let lengthStride = 16

    init(_ scratch: Scratch, _ layout: CacheLayout, _ work: AttentionWork, threadCount: Int) {
        let most = Int(MOIETY_QUERIES)
        unsafe packedLength = most * layout.heads.keyHeadWidth
        unsafe resultLength = most * (2 + layout.valueStride)
        unsafe blocks = AttentionWork.longestPart / most
        unsafe threadLength =
            (blocks * (packedLength + resultLength) + resultLength + most * Int(MOIETY_TILE))
        unsafe threads = Self.lines(scratch.attention, count: threadCount * threadLength)
        unsafe kept = Self.lines(scratch.keptTiles, count: work.keptCount * resultLength)
        unsafe lengths = scratch.lengths.pointer(count: threadCount * Self.lengthStride)
    }

    /// Room that starts with a cache line.
    private static func lines(_ room: Room<Float>, count: Int) -> UnsafeMutablePointer<Float> {
        let start = unsafe UnsafeMutableRawPointer(room.pointer(count: count + lengthStride))
        return unsafe start.alignedUp(toMultipleOf: 64).assumingMemoryBound(to: Float.self)
    }

    func packed(thread: Int, block: Int) -> UnsafeMutablePointer<Float> {
        unsafe threads + thread * threadLength + block * packedLength
    }

    func result(thread: Int, block: Int) -> UnsafeMutablePointer<Float> {
        unsafe packed(thread: thread, block: blocks) + block * resultLength
    }

    func tile(thread: Int) -> UnsafeMutablePointer<Float> {
        unsafe result(thread: thread, block: blocks)
    }

    func scores(thread: Int) -> UnsafeMutablePointer<Float> {
        unsafe tile(thread: thread) + resultLength
    }

    func lengths(thread: Int) -> UnsafeMutablePointer<Int> {
        unsafe lengths + thread * Self.lengthStride
    }

    func kept(_ index: Int) -> UnsafeMutablePointer<Float> {
        unsafe kept + index * resultLength
    }
}
