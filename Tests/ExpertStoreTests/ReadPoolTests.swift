import ClusterTesting
import Dispatch
import ExpertStore
import Model
import Tensors
import Testing

@Suite("Reading experts while others compute")
struct ReadPoolTests {
    private static func expert(_ index: Int) -> ExpertID {
        ExpertID(layer: LayerIndex(0), index: index)
    }

    @Test("Experts come into the slots that they were posted for, from several threads")
    func order() throws {
        let place = try StoreInDirectory()
        try place.write()
        let store = try place.open()
        let memory = try SlotMemory(slotCount: 8, slotByteCount: place.layout.slotByteCount)
        let pool = ReadPool(memory: memory, sources: [store], capacity: 8, threadCount: 3)
        for round in 0..<2 {
            for index in 0..<8 { pool.post(Self.expert(index), slot: (index + round) % 8) }
            var found: Set<Int> = []
            while pool.count > 0 {
                let end = pool.wait()
                found.insert(end.expert.index)
                #expect(end.source == 0 && end.slot == (end.expert.index + round) % 8)
                let expected = content(of: place.extents[end.expert.index])
                #expect(content(of: memory[end.slot]).prefix(expected.count) == expected[...])
            }
            #expect(found.count == 8 && pool.next() == nil)
        }
    }

    @Test("What one source cannot read, or gives wrongly, comes from the next one")
    func fallback() throws {
        let memory = try SlotMemory(slotCount: 4, slotByteCount: 4096)
        let sources = [
            ScriptedSource(blocks: 3, failing: [1], filler: 5),
            ScriptedSource(blocks: 2, failing: [2], filler: 6),
        ]
        let pool = ReadPool(memory: memory, sources: sources, capacity: 4)
        for index in 0..<3 { pool.post(Self.expert(index), slot: index) }
        for _ in 0..<3 {
            let end = pool.wait()
            let isSecond = end.expert.index == 1
            #expect(end.source == (isSecond ? 1 : 0))
            #expect((end.trouble != nil) == isSecond)
            #expect(content(of: memory[end.slot])[0] == (isSecond ? 6 : 5))
        }
        let wrong = ScriptedSource(blocks: 3, filler: 5, isChecked: false)
        let second = ReadPool(memory: memory, sources: [wrong, sources[1]], capacity: 4)
        second.post(Self.expert(0), slot: 3)
        let end = second.wait()
        #expect(end.source == 1 && content(of: memory[3])[0] == 6)
    }

    @Test("An expert that no source gives ends with the reason")
    func failure() throws {
        let memory = try SlotMemory(slotCount: 1, slotByteCount: 4096)
        let source = ScriptedSource(blocks: 40, failing: [0])
        let pool = ReadPool(memory: memory, sources: [source, source], capacity: 1)
        pool.post(Self.expert(0), slot: 0)
        let end = pool.wait()
        #expect(end.source == nil)
        #expect("\(try #require(end.trouble))".contains("scripted"))
        // Signals for blocks that nobody read do no harm.
        pool.post(Self.expert(1), slot: 0)
        #expect(pool.wait().source == 0)
    }

    @Test("Reads that are given up end, and the pool goes on")
    func abandoned() throws {
        let memory = try SlotMemory(slotCount: 8, slotByteCount: 4096)
        let source = ScriptedSource(blocks: 500)
        let pool = ReadPool(memory: memory, sources: [source], capacity: 8, threadCount: 2)
        for round in 0..<20 {
            for index in 0..<8 { pool.post(Self.expert(index), slot: index) }
            if round % 2 == 1 { pool.abandon() }
            while pool.count > 0 {
                let end = pool.wait()
                #expect(end.trouble == nil && (end.source == 0 || round % 2 == 1))
            }
        }
    }

    @Test("What is given up while another source is asked did not fail")
    func abandonedAfterTrouble() throws {
        let memory = try SlotMemory(slotCount: 1, slotByteCount: 4096)
        let gate = GatedSource(ScriptedSource(blocks: 1))
        let pool = ReadPool(
            memory: memory,
            sources: [ScriptedSource(blocks: 2, failing: [0]), gate],
            capacity: 1
        )
        pool.post(Self.expert(0), slot: 0, isAhead: true)
        gate.entered.wait()
        pool.abandon(Self.expert(0))
        gate.open()
        let end = pool.wait()
        #expect(end.source == nil && end.trouble == nil)
        pool.post(Self.expert(0), slot: 0)
        #expect(pool.wait().source == 1)
    }

    @Test("A pool that goes while reads are under way waits for their blocks")
    func closing() throws {
        for _ in 0..<20 {
            let memory = try SlotMemory(slotCount: 8, slotByteCount: 4096)
            let source = ScriptedSource(blocks: 100)
            let pool = ReadPool(memory: memory, sources: [source], capacity: 8)
            for index in 0..<8 { pool.post(Self.expert(index), slot: index) }
        }
    }

    @Test("Whoever is waited for is read before what is read ahead")
    func ahead() throws {
        let memory = try SlotMemory(slotCount: 6, slotByteCount: 4096)
        let gate = GatedSource(ScriptedSource(blocks: 1))
        let pool = ReadPool(memory: memory, sources: [gate], capacity: 6, threadCount: 1)
        // The only thread is busy with the first one while the others are posted.
        pool.post(Self.expert(0), slot: 0)
        gate.entered.wait()
        pool.post(Self.expert(1), slot: 1, isAhead: true)
        pool.post(Self.expert(2), slot: 2, isAhead: true)
        pool.post(Self.expert(3), slot: 3)
        pool.post(Self.expert(4), slot: 4, isAhead: true)
        pool.post(Self.expert(5), slot: 5, isAhead: true)
        pool.hurry(Self.expert(2))
        pool.abandon(Self.expert(4))
        pool.abandon(Self.expert(5))
        pool.hurry(Self.expert(5))
        gate.open()
        let ends = (0..<6).map { _ in pool.wait() }
        // What was given up before it began ended at once, and can be asked for no more.
        #expect(ends.map(\.expert.index) == [4, 5, 0, 2, 3, 1])
        #expect(ends.map { $0.source != nil } == [false, false, true, true, true, true])
        #expect(ends.map(\.blockCount) == [0, 0, 1, 1, 1, 1])
    }

    @Test("The read of one expert is given up, or taken up again, while a block of it is read")
    func takenUpAgain() throws {
        for isHurried in [false, true] {
            let memory = try SlotMemory(slotCount: 2, slotByteCount: 4096)
            let gate = GatedSource(ScriptedSource(blocks: 3))
            let pool = ReadPool(memory: memory, sources: [gate], capacity: 2, threadCount: 1)
            pool.post(Self.expert(0), slot: 0, isAhead: true)
            gate.entered.wait()
            pool.abandon(Self.expert(0))
            if isHurried { pool.hurry(Self.expert(0)) }
            gate.open()
            let end = pool.wait()
            #expect((end.source != nil) == isHurried)
            #expect(end.blockCount == (isHurried ? 3 : 1) && end.trouble == nil)
            pool.post(Self.expert(1), slot: 1, isAhead: true)
            #expect(pool.wait().source == 0)
        }
    }

    @Test("What is read ahead comes, whatever is posted, hurried and given up beside it")
    func mixture() throws {
        let seed: UInt64 = 77
        print("mixture of reads: seed \(seed)")
        var random = SeededRandom(seed: seed)
        let memory = try SlotMemory(slotCount: 8, slotByteCount: 4096)
        let source = ScriptedSource(blocks: 20)
        let pool = ReadPool(memory: memory, sources: [source], capacity: 8, threadCount: 3)
        for _ in 0..<300 {
            var abandoned: Set<Int> = []
            for index in 0..<8 {
                pool.post(Self.expert(index), slot: index, isAhead: Bool.random(using: &random))
                let other = Int.random(in: 0...index, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: pool.hurry(Self.expert(other))
                case 1:
                    pool.abandon(Self.expert(other))
                    abandoned.insert(other)
                default: break
                }
            }
            var found: Set<Int> = []
            while pool.count > 0 {
                let end = pool.wait()
                found.insert(end.expert.index)
                #expect(end.source == 0 || abandoned.contains(end.expert.index))
            }
            #expect(found.count == 8)
        }
    }
}
