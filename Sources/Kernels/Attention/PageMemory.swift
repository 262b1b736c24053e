import Glibc
import Tensors

/// Memory for one page of keys and values, as the system gives it.
enum PageMemory {
    /// What the processor maps with one entry where the system lets it.
    private static let hugePage = 2 << 20
    /// What the system gives and takes memory by.
    private static let smallPage = 4096
    /// A cache line.
    private static let line = 64
    /// `MADV_DONTNEED_LOCKED` of Linux 5.18, which not every header has.
    private static let giveBackLocked: Int32 = 24

    /// Memory of any content, or nil where the machine has too little.
    static func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        do throws(MemoryShortage) {
            try MemoryBudget.check(byteCount)
        } catch {
            return nil
        }
        let isLarge = byteCount >= hugePage
        var start: UnsafeMutableRawPointer?
        guard unsafe posix_memalign(&start, isLarge ? hugePage : line, byteCount) == 0 else {
            return nil
        }
        // A wish: where it is not granted, pages are small and all else is the same.
        if isLarge { _ = unsafe madvise(start, byteCount, MADV_HUGEPAGE) }
        return unsafe start
    }

    /// Lets the system have the memory until the page is written again; what it held is lost.
    static func giveBackContent(of page: UnsafeMutableRawPointer, byteCount: Int) {
        let start = unsafe page.alignedUp(toMultipleOf: smallPage)
        let end = unsafe (page + byteCount).alignedDown(toMultipleOf: smallPage)
        guard unsafe start < end else { return }
        // A refusal changes only who has the memory; the first one is refused where it is locked.
        if unsafe madvise(start, end - start, MADV_DONTNEED) != 0 {
            _ = unsafe madvise(start, end - start, giveBackLocked)
        }
    }

    static func free(_ page: UnsafeMutableRawPointer) {
        unsafe Glibc.free(page)
    }
}
