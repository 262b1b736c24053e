/// Keys and values of one sequence in all layers: a table of the pages that hold them.
///
/// Position p lies in page p / 256 of the table. Growing takes a page from the pool and copies
/// nothing; all pages go back when the cache ends. Owned by one thread at a time.
@safe public final class KeyValueCache {
    public let pool: PagePool
    /// Positions it may grow to.
    public let capacity: Int
    /// Positions held.
    public private(set) var positionCount = 0
    public private(set) var pageCount = 0
    /// Room for as many as the capacity needs, so that it stays in its place.
    let pages: UnsafeMutablePointer<UnsafeMutableRawPointer>

    /// An empty cache, with pages for `capacity` positions reserved.
    public init(pool: PagePool, capacity: Int) throws(CacheError) {
        precondition(capacity >= 0, "a capacity of \(capacity)")
        let reserved = CacheLayout.pageCount(positions: capacity)
        try pool.reserve(reserved)
        self.pool = pool
        self.capacity = capacity
        unsafe pages = .allocate(capacity: reserved)
    }

    deinit {
        for page in 0..<pageCount { unsafe pool.giveBack(pages[page]) }
        unsafe pages.deallocate()
        pool.cancelReservation(of: CacheLayout.pageCount(positions: capacity))
    }

    /// Forgets positions from `count` on; their pages stay for those that come instead.
    public func truncate(to count: Int) {
        precondition(
            count >= 0 && count <= positionCount,
            "\(positionCount) positions, not \(count)"
        )
        positionCount = count
    }

    /// Makes sure that positions below `count` have memory.
    public func makeRoom(for count: Int) throws(CacheError) {
        precondition(count <= capacity, "\(count) positions of at most \(capacity)")
        while pageCount * CacheLayout.pageLength < count {
            unsafe pages[pageCount] = try pool.take()
            pageCount += 1
        }
    }

    /// Makes `position` one that is held: an old one, or the next.
    ///
    /// - Precondition: there is room for it.
    func hold(_ position: Int) {
        precondition(
            position >= 0 && position <= positionCount,
            "position \(position) does not follow \(positionCount)"
        )
        precondition(
            position < pageCount * CacheLayout.pageLength,
            "no room for position \(position) in \(pageCount) pages"
        )
        positionCount = max(positionCount, position + 1)
    }
}
