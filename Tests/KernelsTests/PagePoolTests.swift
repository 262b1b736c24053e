import Kernels
import Testing

@Suite("Pages of the key-value cache")
struct PagePoolTests {
    private static let shape = AttentionShape(
        heads: 2,
        keyValueHeads: 1,
        keyHeadWidth: 16,
        valueHeadWidth: 16,
        scale: 0.25
    )

    private func pool(pages: Int) -> PagePool {
        PagePool(layout: CacheLayout(heads: Self.shape, layerCount: 2), pageLimit: pages)
    }

    @Test("Pages are reserved at once, take memory as positions come, and serve again")
    func life() throws {
        let pool = pool(pages: 4)
        do {
            let cache = try KeyValueCache(pool: pool, capacity: 700)
            #expect(pool.reservedCount == 3 && pool.unreservedCount == 1 && pool.pageCount == 0)
            try cache.makeRoom(for: 256)
            #expect(cache.pageCount == 1 && pool.lentCount == 1)
            try cache.makeRoom(for: 257)
            #expect(cache.pageCount == 2 && pool.lentCount == 2)
            cache.truncate(to: 0)
        }
        #expect(pool.reservedCount == 0 && pool.lentCount == 0 && pool.pageCount == 2)
        let next = try KeyValueCache(pool: pool, capacity: 1024)
        try next.makeRoom(for: 1024)
        #expect(pool.pageCount == 4 && pool.lentCount == 4)
    }

    @Test("At rest all but the last pages give their memory back, and serve again")
    func rest() throws {
        let pool = pool(pages: 4)
        try KeyValueCache(pool: pool, capacity: 1024).makeRoom(for: 1024)
        #expect(pool.lentCount == 0 && pool.pageCount == 4)
        #expect(pool.rest(keeping: 1) == 3)
        #expect(pool.rest(keeping: 8) == 0)
        let cache = try KeyValueCache(pool: pool, capacity: 1024)
        try cache.makeRoom(for: 1024)
        #expect(pool.lentCount == 4 && pool.pageCount == 4)
        #expect(pool.rest(keeping: 0) == 0)
    }

    @Test("A pool that is taken says how much is free")
    func exhaustion() throws {
        let pool = pool(pages: 3)
        let cache = try KeyValueCache(pool: pool, capacity: 300)
        #expect(throws: CacheError.noPages(wanted: 2, free: 1, limit: 3)) {
            _ = try KeyValueCache(pool: pool, capacity: 512)
        }
        #expect(pool.reservedCount == 2)
        _ = try KeyValueCache(pool: pool, capacity: 256)
        try cache.makeRoom(for: 300)
    }

    @Test("A cache reserves what it is told to, and takes more as it grows, while there is some")
    func growth() throws {
        let pool = pool(pages: 3)
        let first = try KeyValueCache(pool: pool, capacity: 1024, reserving: 300)
        #expect(pool.reservedCount == 2)
        let second = try KeyValueCache(pool: pool, capacity: 1024, reserving: 1)
        try first.makeRoom(for: 512)
        #expect(pool.reservedCount == 3 && pool.lentCount == 2)
        #expect(throws: CacheError.noPages(wanted: 1, free: 0, limit: 3)) {
            try first.makeRoom(for: 513)
        }
        #expect(first.pageCount == 2)
        try second.makeRoom(for: 256)
        #expect(pool.lentCount == 3)
    }

    @Test("Pages that two caches hold are lent once, and are back when the last lets go")
    func shared() throws {
        let pool = pool(pages: 4)
        let kernels = kernels(.detected)
        let sequence = AttentionSequence(Self.shape, length: 600, seed: 3)
        let whole = try sequence.outputs(kernels, chunk: 1000)
        var first: KeyValueCache? = try KeyValueCache(pool: pool, capacity: 600)
        _ = try attend(kernels, [(sequence, 0..<600, #require(first))])
        let pages = try (0..<2).map { try #require(first).page($0) }
        let second = try KeyValueCache(
            pool: pool,
            capacity: 600,
            beginningWith: pages,
            reserving: 601
        )
        #expect(second.positionCount == 512 && second.sharedCount == 512)
        #expect(pool.lentCount == 3 && pool.reservedCount == 4)
        first = nil
        #expect(pool.lentCount == 2 && pool.reservedCount == 3)
        let rest = try attend(kernels, [(sequence, 512..<600, second)])
        #expect(same(rest, Array(whole.suffix(rest.count))))
    }

    @Test("Shared positions are not written again")
    func protected() async throws {
        await #expect(processExitsWith: .failure) {
            let shape = AttentionShape(
                heads: 1,
                keyValueHeads: 1,
                keyHeadWidth: 16,
                valueHeadWidth: 16,
                scale: 1
            )
            let pool = PagePool(layout: CacheLayout(heads: shape, layerCount: 1), pageLimit: 2)
            let first = try KeyValueCache(pool: pool, capacity: 256)
            try first.makeRoom(for: 256)
            let second = try KeyValueCache(
                pool: pool,
                capacity: 256,
                beginningWith: [first.page(0)]
            )
            var work = AttentionWork(shape)
            work.append(second, position: 0)
        }
    }

    @Test("A machine without the memory refuses a page instead of dying")
    func noMemory() throws {
        let wide = AttentionShape(
            heads: 1,
            keyValueHeads: 1,
            keyHeadWidth: 1 << 36,
            valueHeadWidth: 16,
            scale: 1
        )
        let layout = CacheLayout(heads: wide, layerCount: 1)
        let cache = try KeyValueCache(pool: PagePool(layout: layout, pageLimit: 1), capacity: 1)
        #expect(
            throws: CacheError.noMemory(pageByteCount: layout.pageByteCount, pageCount: 0)
        ) { try cache.makeRoom(for: 1) }
    }

    @Test("Sequences that come, grow and go never share a page, and leave all behind")
    func churn() throws {
        let seed: UInt64 = 4711
        print("churn: seed \(seed)")
        var random = Random(seed: seed)
        let pool = pool(pages: 12)
        let kernels = kernels(.detected)
        var lives: [(sequence: AttentionSequence, cache: KeyValueCache, found: [Float])] = []
        for round in 0..<60 {
            let length = Int.random(in: 1...900, using: &random)
            let pages = CacheLayout.pageCount(positions: length)
            if pages <= pool.unreservedCount {
                let sequence = AttentionSequence(Self.shape, length: length, seed: UInt64(round))
                lives.append((sequence, try KeyValueCache(pool: pool, capacity: length), []))
            }
            for index in lives.indices {
                let (sequence, cache, _) = lives[index]
                let count = Int.random(in: 0...300, using: &random)
                let done = cache.positionCount
                let positions = done..<min(done + count, sequence.length)
                guard !positions.isEmpty else { continue }
                lives[index].found += try attend(kernels, [(sequence, positions, cache)])
            }
            // A page that two sequences wrote would show in what one of them finds.
            for life in lives where life.cache.positionCount == life.sequence.length {
                #expect(try same(life.found, life.sequence.outputs(kernels, chunk: 1000)))
            }
            lives.removeAll { $0.cache.positionCount == $0.sequence.length }
            let held = lives.reduce(0) { $0 + $1.cache.pageCount }
            #expect(pool.lentCount == held && pool.pageCount <= 12)
        }
        lives.removeAll()
        #expect(pool.lentCount == 0 && pool.reservedCount == 0)
    }
}
