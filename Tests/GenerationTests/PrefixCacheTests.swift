import Generation
import Model
import Testing

@Suite("Pages that are kept for those who begin alike")
struct PrefixCacheTests {
    /// What a page of keys and values is to the cache: something that somebody holds.
    private final class Page {
        let number: Int
        init(_ number: Int) { self.number = number }
    }

    private static let length = 4

    private func names(_ tokens: [Int32], scope: String = "") -> PageNames {
        var names = PageNames(scope: scope, pageLength: Self.length)
        names.extend(over: tokens)
        return names
    }

    /// Keeps all whole pages of a sequence, numbered from `first` on.
    private func fill(
        _ cache: inout PrefixCache<Page>,
        _ tokens: [Int32],
        scope: String = "",
        from first: Int = 0
    ) {
        let names = names(tokens, scope: scope)
        for index in 0..<names.count {
            cache.keep(Page(first + index), at: index, names, of: tokens)
        }
    }

    private func found(
        _ cache: inout PrefixCache<Page>,
        _ tokens: [Int32],
        scope: String = "",
        atMost limit: Int = .max
    ) -> [Int] {
        cache.pages(names(tokens, scope: scope), of: tokens, atMost: limit).map(\.number)
    }

    @Test("A sequence finds the pages of its beginning, as far as the tokens are the same")
    func finding() {
        var cache = PrefixCache<Page>(pageLimit: 10)
        fill(&cache, Array(0..<14))
        #expect(cache.pageCount == 3)
        #expect(found(&cache, Array(0..<20)) == [0, 1, 2])
        #expect(found(&cache, Array(0..<11)) == [0, 1])
        #expect(found(&cache, Array(0..<3)) == [])
        #expect(found(&cache, [0, 1, 2, 3, 4, 5, 9, 7, 8, 9, 10, 11]) == [0])
        #expect(found(&cache, [9, 1, 2, 3, 4, 5, 6, 7]) == [])
        #expect(found(&cache, Array(4..<12)) == [])
        #expect(found(&cache, Array(0..<20), atMost: 2) == [0, 1])
    }

    @Test("Scopes share nothing")
    func scopes() {
        var cache = PrefixCache<Page>(pageLimit: 10)
        fill(&cache, Array(0..<8), scope: "a")
        fill(&cache, Array(0..<8), scope: "b", from: 10)
        #expect(found(&cache, Array(0..<8), scope: "a") == [0, 1])
        #expect(found(&cache, Array(0..<8), scope: "b") == [10, 11])
        #expect(found(&cache, Array(0..<8)) == [])
    }

    @Test("Names that are the same by chance are not believed: tokens and what came before count")
    func collisions() {
        // A digest that calls almost everything the same.
        func names(_ tokens: [Int32], scope: String = "") -> PageNames {
            var names = PageNames(scope: scope, pageLength: 4) { [UInt8($0.count % 2)] }
            names.extend(over: tokens)
            return names
        }
        var cache = PrefixCache<Page>(pageLimit: 10)
        let tokens: [Int32] = [1, 2, 3, 4]
        cache.keep(Page(0), at: 0, names(tokens), of: tokens)
        #expect(cache.pages(names(tokens), of: tokens, atMost: 9).count == 1)
        let other: [Int32] = [1, 2, 3, 5]
        #expect(cache.pages(names(other), of: other, atMost: 9).isEmpty)
        #expect(cache.pages(names(tokens, scope: "ab"), of: tokens, atMost: 9).isEmpty)
        // Nor is a page taken for another place of a sequence.
        let twice = tokens + tokens
        #expect(cache.pages(names(twice), of: twice, atMost: 9).count == 1)
    }

    @Test(
        "The page that was used least recently goes first, the last of its sequence before others"
    )
    func eviction() {
        var cache = PrefixCache<Page>(pageLimit: 10)
        fill(&cache, Array(0..<12))
        fill(&cache, Array(100..<108), from: 10)
        _ = found(&cache, Array(0..<12))
        let went1 = cache.evict()
        #expect(went1)
        #expect(found(&cache, Array(100..<108)) == [10])
        _ = found(&cache, Array(0..<12))
        let went2 = cache.evict()
        #expect(went2)
        #expect(found(&cache, Array(100..<108)) == [])
        let went3 = cache.evict()
        #expect(went3)
        #expect(found(&cache, Array(0..<12)) == [0, 1])
        let left = [cache.evict(), cache.evict(), cache.evict()]
        #expect(left == [true, true, false])
        #expect(cache.pageCount == 0)
    }

    @Test("What somebody holds is not let go of to free memory, nor what it follows")
    func inUse() {
        var cache = PrefixCache<Page>(pageLimit: 10)
        fill(&cache, Array(0..<12))
        let tokens: [Int32] = Array(0..<8)
        var held = cache.pages(names(tokens), of: tokens, atMost: 2)
        var went = [cache.evict(), cache.evict()]
        #expect(went == [true, false])
        #expect(held.map(\.number) == [0, 1])
        held.removeLast()
        went = [cache.evict(), cache.evict()]
        #expect(went == [true, false])
        held.removeAll()
        went = [cache.evict(), cache.evict()]
        #expect(went == [true, false])
        #expect(cache.pageCount == 0)
    }

    @Test("There are never more pages than the limit, and none after a gap")
    func limits() {
        var cache = PrefixCache<Page>(pageLimit: 2)
        fill(&cache, Array(0..<8))
        fill(&cache, Array(50..<54), from: 7)
        #expect(cache.pageCount == 2)
        #expect(found(&cache, Array(0..<8)) == [0])
        #expect(found(&cache, Array(50..<54)) == [7])
        var closed = PrefixCache<Page>(pageLimit: 0)
        fill(&closed, Array(0..<8))
        #expect(closed.pageCount == 0)
        #expect(found(&closed, Array(0..<8)) == [])
        var gap = PrefixCache<Page>(pageLimit: 9)
        let tokens: [Int32] = Array(0..<8)
        gap.keep(Page(1), at: 1, names(tokens), of: tokens)
        #expect(gap.pageCount == 0)
    }

    @Test("Random sequences find what a list of all that was kept says, in a cache without a limit")
    func oracle() {
        let seed: UInt64 = 77
        print("prefixes: seed \(seed)")
        var random = SeededRandom(seed: seed)
        var cache = PrefixCache<Page>(pageLimit: .max)
        var kept: [[Int32]: Int] = [:]
        for round in 0..<500 {
            let tokens = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                Int32.random(in: 0...1, using: &random)
            }
            let beginnings = stride(from: Self.length, through: tokens.count, by: Self.length)
                .map { Array(tokens[..<$0]) }
            let expected = beginnings.prefix { kept[$0] != nil }.compactMap { kept[$0] }
            #expect(found(&cache, tokens) == expected)
            fill(&cache, tokens, from: round * 10)
            for (index, beginning) in beginnings.enumerated() where kept[beginning] == nil {
                kept[beginning] = round * 10 + index
            }
        }
    }
}
