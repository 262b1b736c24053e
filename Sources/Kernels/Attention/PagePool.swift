/// The memory for keys and values of all sequences: pages, lent and taken back.
///
/// A sequence reserves what it is sure to need before it starts, so that it does not run short in
/// the middle; memory is taken from the system when a page is first lent, and kept for the next
/// sequence until the pool rests. Owned by one thread at a time, with the caches that it serves.
@safe public final class PagePool {
    public let layout: CacheLayout
    /// Pages that there may be.
    public let pageLimit: Int
    /// Pages that somebody holds.
    public private(set) var lentCount = 0
    /// Pages that are promised to sequences, beside those.
    private var promisedCount = 0
    /// Pages that have memory.
    public private(set) var pageCount = 0
    /// Those of them that nobody holds.
    private var free: [UnsafeMutableRawPointer] = unsafe []

    /// A pool without memory yet.
    public init(layout: CacheLayout, pageLimit: Int) {
        precondition(pageLimit >= 0, "a pool of \(pageLimit) pages")
        self.layout = layout
        self.pageLimit = pageLimit
    }

    deinit {
        while let page = unsafe free.popLast() { unsafe PageMemory.free(page) }
    }

    /// Pages that are held or promised.
    public var reservedCount: Int { lentCount + promisedCount }
    /// Pages that nobody has reserved.
    public var unreservedCount: Int { pageLimit - reservedCount }

    func reserve(_ count: Int) throws(CacheError) {
        guard count <= unreservedCount else {
            throw .noPages(wanted: count, free: unreservedCount, limit: pageLimit)
        }
        promisedCount += count
    }

    func cancelReservation(of count: Int) {
        precondition(count <= promisedCount, "\(count) pages were not reserved")
        promisedCount -= count
    }

    /// Lends a page that was reserved; what it holds is left over from others.
    func take() throws(CacheError) -> CachePage {
        precondition(promisedCount > 0, "a page that nobody reserved")
        let start = try unsafe memory()
        promisedCount -= 1
        lentCount += 1
        return unsafe CachePage(start, of: self)
    }

    private func memory() throws(CacheError) -> UnsafeMutableRawPointer {
        if let page = unsafe free.popLast() { return unsafe page }
        guard let page = unsafe PageMemory.allocate(layout.pageByteCount) else {
            throw .noMemory(pageByteCount: layout.pageByteCount, pageCount: pageCount)
        }
        pageCount += 1
        return unsafe page
    }

    /// Takes the memory of a page back that nobody holds any more.
    func giveBack(_ page: UnsafeMutableRawPointer) {
        lentCount -= 1
        unsafe free.append(page)
    }

    /// Gives memory of pages that nobody holds back to the system, but for the last ones.
    ///
    /// For a while without work: one long sequence must not keep its memory for good. The pages
    /// stay the pool's, and get memory again when they are written.
    ///
    /// - Parameter kept: pages that stay as they are, so that a usual sequence starts at once.
    /// - Returns: how many pages have given theirs.
    @discardableResult
    public func rest(keeping kept: Int) -> Int {
        let count = unsafe max(0, free.count - kept)
        for place in 0..<count {
            unsafe PageMemory.giveBackContent(of: free[place], byteCount: layout.pageByteCount)
        }
        return count
    }
}
