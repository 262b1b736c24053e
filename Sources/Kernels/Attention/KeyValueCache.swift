/// Keys and values of one sequence in all layers: a table of the pages that hold them.
///
/// Position p lies in page p / 256 of the table. Growing takes a page from the pool and copies
/// nothing; all pages go back when the cache ends, but for those that others hold too. Owned by one
/// thread at a time.
@safe public final class KeyValueCache {
    public let pool: PagePool
    /// Positions it may grow to.
    public let capacity: Int
    /// Positions held.
    public private(set) var positionCount: Int
    /// Positions at the start whose pages others have written.
    public let sharedCount: Int
    /// In order of their positions.
    private var held: [CachePage]
    /// Pages reserved beside those.
    private var promisedCount: Int
    /// Where the pages are, with room for as many as the capacity needs, so that it stays in its
    /// place.
    let pages: UnsafeMutablePointer<UnsafeMutableRawPointer>

    /// A cache that begins with the positions of whole pages, which others may hold too.
    ///
    /// - Parameter positions: pages for so many are reserved, those of `shared` included; nil for
    ///   the whole capacity.
    public init(
        pool: PagePool,
        capacity: Int,
        beginningWith shared: [CachePage] = [],
        reserving positions: Int? = nil
    ) throws(CacheError) {
        precondition(capacity >= 0, "a capacity of \(capacity)")
        let reserved = CacheLayout.pageCount(positions: min(positions ?? capacity, capacity))
        let most = CacheLayout.pageCount(positions: capacity)
        precondition(shared.count <= most, "\(shared.count) pages for \(capacity) positions")
        promisedCount = max(0, reserved - shared.count)
        try pool.reserve(promisedCount)
        self.pool = pool
        self.capacity = capacity
        held = shared
        sharedCount = shared.count * CacheLayout.pageLength
        positionCount = sharedCount
        unsafe pages = .allocate(capacity: most)
        for (place, page) in shared.enumerated() { unsafe pages[place] = page.start }
    }

    deinit {
        unsafe pages.deallocate()
        pool.cancelReservation(of: promisedCount)
    }

    /// Pages that the sequence holds.
    public var pageCount: Int { held.count }

    /// A page of the table.
    public func page(_ index: Int) -> CachePage { held[index] }

    /// Forgets positions from `count` on; their pages stay for those that come instead.
    public func truncate(to count: Int) {
        precondition(
            count >= sharedCount && count <= positionCount,
            "\(positionCount) positions, of which \(sharedCount) are shared, not \(count)"
        )
        positionCount = count
    }

    /// Makes sure that positions below `count` have memory.
    public func makeRoom(for count: Int) throws(CacheError) {
        precondition(count <= capacity, "\(count) positions of at most \(capacity)")
        while held.count * CacheLayout.pageLength < count {
            if promisedCount == 0 {
                try pool.reserve(1)
                promisedCount = 1
            }
            let page = try pool.take()
            promisedCount -= 1
            unsafe pages[held.count] = page.start
            held.append(page)
        }
    }

    /// Makes `position` one that is held: an old one, or the next.
    ///
    /// - Precondition: there is room for it.
    func hold(_ position: Int) {
        precondition(
            position >= sharedCount && position <= positionCount,
            "position \(position) does not follow \(positionCount), or is shared"
        )
        precondition(
            position < pageCount * CacheLayout.pageLength,
            "no room for position \(position) in \(pageCount) pages"
        )
        positionCount = max(positionCount, position + 1)
    }
}
