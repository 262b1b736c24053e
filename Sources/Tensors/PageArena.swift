internal import Glibc
import Synchronization

private let hugePageByteCount = 2 << 20

/// `MADV_DONTNEED_LOCKED` of Linux 5.18, which not every header has.
private let giveBackLocked: Int32 = 24

/// Memory for weights, in huge pages where the system gives them.
///
/// Weights are read once per step from end to end; with pages of 4 KiB the processor would stop at
/// every page to look up where the next one lies. The arena reserves addresses in regions, of which
/// pieces are taken one after the other, so that neighbours share huge pages. A piece that is given
/// back gives its memory back at once. Where nothing is left behind it, what comes next takes its
/// place, and huge pages of which nobody has a part go as well; a region's other addresses go with
/// its last piece.
@safe package final class PageArena: Sendable {
    static let shared = PageArena()

    /// Addresses of a region; memory is taken when a page is first written.
    private static let regionByteCount = 1 << 30
    private static let pageByteCount = 4096

    private struct State {
        var region: Region?
        /// Bytes of the region up to the end of its last piece.
        var used = 0
        /// Pieces of the region that were given back and have others behind them: where each
        /// begins, by where it ends.
        var gaps: [Int: Int] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Zeroed memory for `count` bytes that starts at a page, or nil where the system refuses.
    package func take(_ count: Int) -> Piece? {
        // More than any processor addresses; what follows would overflow.
        guard count < 1 << 57 else { return nil }
        let pages = (count + Self.pageByteCount - 1) / Self.pageByteCount
        let size = max(1, pages) * Self.pageByteCount
        return state.withLock { state in
            if state.region.map({ state.used + size > $0.count }) ?? true {
                guard let region = Region(count: max(size, Self.regionByteCount)) else {
                    return nil
                }
                state = State(region: region)
            }
            guard let region = state.region else { return nil }
            defer { state.used += size }
            return Piece(state.used..<state.used + size, of: region, arena: self)
        }
    }

    private func giveBack(_ part: Range<Int>, of region: Region) {
        state.withLock { state in
            region.giveBack(part)
            guard state.region === region else { return }
            state.gaps[part.upperBound] = part.lowerBound
            let end = state.used
            while let start = state.gaps.removeValue(forKey: state.used) { state.used = start }
            // The system gives whole huge pages, so behind the last piece some memory is nobody's.
            region.giveBack(
                Self.alignedUp(state.used)..<max(Self.alignedUp(state.used), Self.alignedUp(end))
            )
        }
    }

    private static func alignedUp(_ offset: Int) -> Int {
        (offset + hugePageByteCount - 1) / hugePageByteCount * hugePageByteCount
    }

    /// Pages that belong to one owner.
    @safe package final class Piece: @unchecked Sendable {
        // @unchecked: the memory is its owner's, the piece only knows where it lies.
        package let start: UnsafeMutableRawPointer
        private let part: Range<Int>
        private let region: Region
        private let arena: PageArena

        fileprivate init(_ part: Range<Int>, of region: Region, arena: PageArena) {
            unsafe start = region.start + part.lowerBound
            self.part = part
            self.region = region
            self.arena = arena
        }

        deinit { arena.giveBack(part, of: region) }

        /// Gives the memory of a part back, which reads as zeros from now on.
        ///
        /// - Precondition: the part lies inside and is whole pages.
        func giveBack(_ inner: Range<Int>) {
            precondition(inner.lowerBound >= 0 && inner.upperBound <= part.count)
            region.giveBack(part.lowerBound + inner.lowerBound..<part.lowerBound + inner.upperBound)
        }
    }

    /// Reserved addresses.
    @safe fileprivate final class Region: @unchecked Sendable {
        // @unchecked: an address and a count that never change.
        let start: UnsafeMutableRawPointer
        let count: Int
        private let mapping: UnsafeMutableRawPointer
        private let mappedCount: Int

        init?(count: Int) {
            let size = (count + hugePageByteCount - 1) / hugePageByteCount * hugePageByteCount
            self.count = size
            mappedCount = size + hugePageByteCount
            let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
            guard
                let mapping = unsafe mmap(nil, mappedCount, PROT_READ | PROT_WRITE, flags, -1, 0),
                unsafe mapping != MAP_FAILED
            else { return nil }
            unsafe self.mapping = mapping
            unsafe start = mapping.alignedUp(toMultipleOf: hugePageByteCount)
            // Where the system has no huge pages the weights lie in small ones, and that is all.
            unsafe madvise(start, size, MADV_HUGEPAGE)
        }

        deinit { unsafe munmap(mapping, mappedCount) }

        /// Gives memory back, not its addresses, which have zeros from now on.
        func giveBack(_ part: Range<Int>) {
            guard !part.isEmpty else { return }
            let first = unsafe start + part.lowerBound
            guard unsafe madvise(first, part.count, MADV_DONTNEED) != 0 else { return }
            // The first is refused where memory is locked (`lock-memory`).
            guard unsafe madvise(first, part.count, giveBackLocked) != 0 else { return }
            // An older system keeps the memory, but what lay in it is gone here, too.
            unsafe first.initializeMemory(as: UInt8.self, repeating: 0, count: part.count)
        }
    }
}

/// How much of this process's memory lies in huge pages.
public enum HugePages {
    /// Bytes in huge pages now, or nil where the system does not say.
    public static func byteCount() -> Int? {
        MemoryBudget.field("AnonHugePages:", of: "/proc/self/smaps_rollup")
    }
}
