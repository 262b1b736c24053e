internal import Glibc
import Synchronization

private let hugePageByteCount = 2 << 20

/// Memory for weights, in huge pages where the system gives them.
///
/// Weights are read once per step from end to end; with pages of 4 KiB the processor would stop at
/// every page to look up where the next one lies. The arena reserves addresses in regions, of which
/// pieces are taken one after the other, so that neighbours share huge pages. A piece that is given
/// back gives its memory back at once; a region's addresses go with its last piece.
@safe final class PageArena: Sendable {
    static let shared = PageArena()

    /// Addresses of a region; memory is taken when a page is first written.
    private static let regionByteCount = 1 << 30
    private static let pageByteCount = 4096

    private struct State {
        var region: Region?
        var used = 0
    }

    private let state = Mutex(State())

    /// Zeroed memory for `count` bytes that starts at a page, or nil where the system refuses.
    func take(_ count: Int) -> Piece? {
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
            return unsafe Piece(region: region, start: region.start + state.used, count: size)
        }
    }

    /// Pages that belong to one owner.
    @safe final class Piece: @unchecked Sendable {
        // @unchecked: the memory is its owner's, the piece only knows where it lies.
        let start: UnsafeMutableRawPointer
        private let region: Region
        private let count: Int

        fileprivate init(region: Region, start: UnsafeMutableRawPointer, count: Int) {
            self.region = region
            unsafe self.start = start
            self.count = count
        }

        deinit { unsafe madvise(start, count, MADV_DONTNEED) }
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
    }
}

/// How much of this process's memory lies in huge pages.
public enum HugePages {
    /// Bytes in huge pages now, or nil where the system does not say.
    public static func byteCount() -> Int? {
        MemoryBudget.field("AnonHugePages:", of: "/proc/self/smaps_rollup")
    }
}
