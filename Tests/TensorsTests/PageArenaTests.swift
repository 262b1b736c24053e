import Glibc
import Tensors
import Testing

@Suite("Pieces of an arena")
struct PageArenaTests {
    private static let size = 3 << 20

    private func taken(_ arena: PageArena, _ size: Int = size) throws -> PageArena.Piece {
        try #require(arena.take(size))
    }

    @Test(
        "What is given back behind all others is taken again, in whatever order it was",
        arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
    )
    func reuse(order: [Int]) throws {
        let arena = PageArena()
        let kept = try taken(arena, 4096)
        var pieces = try (0..<3).map { _ -> PageArena.Piece? in try taken(arena) }
        let first = unsafe pieces[0]?.start
        for place in order { pieces[place] = nil }
        let next = try taken(arena)
        #expect(unsafe next.start == first)
        #expect(unsafe next.start == kept.start + 4096)
    }

    @Test("What lies before others is not taken again, until they are gone")
    func gaps() throws {
        let arena = PageArena()
        var first: PageArena.Piece? = try taken(arena)
        var second: PageArena.Piece? = try taken(arena)
        let (low, high) = unsafe (first?.start, second?.start)
        first = nil
        do {
            let third = try taken(arena)
            #expect(unsafe third.start == high.map { unsafe $0 + Self.size })
        }
        second = nil
        let last = try taken(arena)
        #expect(unsafe last.start == low)
    }

    @Test("Every piece is zeros when it is taken, and keeps what is written beside others' ends")
    func zeros() throws {
        let arena = PageArena()
        let kept = try taken(arena, 4096)
        unsafe kept.start.initializeMemory(as: UInt8.self, repeating: 7, count: 4096)
        for size in [4096, Self.size, 2 << 20, 4096] {
            let piece = try taken(arena, size)
            let bytes = unsafe UnsafeRawBufferPointer(start: piece.start, count: size)
            #expect(unsafe bytes.allSatisfy { $0 == 0 }, "\(size) bytes")
            unsafe piece.start.initializeMemory(as: UInt8.self, repeating: 9, count: size)
        }
        let bytes = unsafe UnsafeRawBufferPointer(start: kept.start, count: 4096)
        #expect(unsafe bytes.allSatisfy { $0 == 7 })
    }

    @Test("Locked memory is given back, too, and is zeros afterwards")
    func locked() throws {
        let arena = PageArena()
        let kept = try taken(arena, 4096)
        let start = unsafe kept.start + 4096
        var piece: PageArena.Piece? = try taken(arena, 4096)
        #expect(unsafe piece?.start == start)
        unsafe start.initializeMemory(as: UInt8.self, repeating: 7, count: 4096)
        #expect(unsafe mlock(start, 4096) == 0)
        piece = nil
        var isThere: UInt8 = 1
        #expect(unsafe mincore(start, 4096, &isThere) == 0)
        #expect(isThere & 1 == 0, "it still takes memory")
        let next = try taken(arena, 4096)
        #expect(unsafe next.start == start)
        #expect(unsafe start.load(as: UInt64.self) == 0)
        withExtendedLifetime(kept) {}
    }

    @Test("Pieces that threads take and give back at once never overlap")
    func threads() async throws {
        let arena = PageArena()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for mark in UInt8(1)...4 {
                group.addTask {
                    var random = SystemRandomNumberGenerator()
                    var pieces: [(PageArena.Piece, Int)] = []
                    for _ in 0..<200 {
                        let size = Int.random(in: 1...64, using: &random) * 4096
                        let piece = try taken(arena, size)
                        unsafe piece.start.initializeMemory(
                            as: UInt8.self,
                            repeating: mark,
                            count: size
                        )
                        pieces.append((piece, size))
                        guard pieces.count > 8 else { continue }
                        let place = Int.random(in: pieces.indices, using: &random)
                        let (old, length) = pieces.remove(at: place)
                        let bytes = unsafe UnsafeRawBufferPointer(start: old.start, count: length)
                        #expect(unsafe bytes.allSatisfy { $0 == mark })
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
