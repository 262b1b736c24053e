import Generation
import Inference
import Model
import Testing

@Suite("What runs in the next step")
struct SchedulerTests {
    private func scheduler(
        rows: Int = 8,
        running: Int = 3,
        queued: Int = 2
    ) -> Scheduler {
        var limits = Scheduler.Limits()
        (limits.stepRows, limits.runningSequences, limits.queuedSequences) = (rows, running, queued)
        return Scheduler(limits: limits)
    }

    private func pairs(_ slices: [Scheduler.Slice]) -> [[Int]] {
        slices.map { [Int($0.sequence), $0.tokenCount] }
    }

    @Test("A long prompt runs in chunks of the step's rows")
    func chunks() {
        var scheduler = scheduler()
        scheduler.add(1, promptTokenCount: 19)
        #expect(pairs(scheduler.nextStep()) == [[1, 8]])
        #expect(pairs(scheduler.nextStep()) == [[1, 8]])
        #expect(pairs(scheduler.nextStep()) == [[1, 3]])
        #expect(scheduler.nextStep().isEmpty && !scheduler.isIdle)
    }

    @Test("Sequences that generate get their row before any prompt")
    func decodeFirst() {
        var scheduler = scheduler()
        scheduler.add(1, promptTokenCount: 30)
        _ = scheduler.nextStep()
        scheduler.add(2, promptTokenCount: 1)
        #expect(pairs(scheduler.nextStep()) == [[1, 7], [2, 1]])
        scheduler.continueSequence(2)
        #expect(pairs(scheduler.nextStep()) == [[1, 7], [2, 1]])
    }

    @Test("Prompts share what is left in order of arrival")
    func arrival() {
        var scheduler = scheduler()
        for id: UInt64 in 1...3 { scheduler.add(id, promptTokenCount: 5) }
        #expect(pairs(scheduler.nextStep()) == [[1, 5], [2, 3]])
        #expect(pairs(scheduler.nextStep()) == [[2, 2], [3, 5]])
    }

    @Test("More sequences than may run wait, and move up when one ends")
    func queue() {
        var scheduler = scheduler(rows: 100)
        for id: UInt64 in 1...5 {
            #expect(!scheduler.isFull)
            scheduler.add(id, promptTokenCount: 2)
        }
        #expect(scheduler.isFull)
        #expect(pairs(scheduler.nextStep()) == [[1, 2], [2, 2], [3, 2]])
        #expect(scheduler.runningCount == 3 && scheduler.queuedCount == 2 && scheduler.isFull)
        scheduler.remove(2)
        #expect(!scheduler.isFull)
        #expect(pairs(scheduler.nextStep()) == [[4, 2]])
        #expect(scheduler.queuedCount == 1)
        scheduler.remove(5)
        #expect(scheduler.queuedCount == 0 && scheduler.runningCount == 3)
    }

    @Test("A sequence waits for its pages, and nobody overtakes it")
    func pages() {
        var scheduler = scheduler(rows: 100, running: 5)
        for (id, pages) in [(1, 2), (2, 5), (3, 1)] as [(UInt64, Int)] {
            scheduler.add(id, promptTokenCount: 4, pageCount: pages)
        }
        #expect(pairs(scheduler.nextStep(freePageCount: 6)) == [[1, 4]])
        #expect(scheduler.nextStep(freePageCount: 4).isEmpty && scheduler.queuedCount == 2)
        #expect(pairs(scheduler.nextStep(freePageCount: 6)) == [[2, 4], [3, 4]])
    }

    @Test("Unknown sequences are left alone")
    func unknown() {
        var scheduler = scheduler()
        scheduler.continueSequence(9)
        scheduler.remove(9)
        #expect(scheduler.isIdle && scheduler.nextStep().isEmpty)
    }

    @Test("No step exceeds its rows, and every token runs once, whatever arrives")
    func random() {
        let seed: UInt64 = 31
        print("scheduler: seed \(seed)")
        var random = SeededRandom(seed: seed)
        var scheduler = scheduler(rows: 7, running: 4, queued: 1000)
        var left: [UInt64: Int] = [:]
        for id: UInt64 in 1...60 {
            let count = Int.random(in: 1...25, using: &random)
            scheduler.add(id, promptTokenCount: count)
            left[id] = count
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let slices = scheduler.nextStep()
                #expect(slices.reduce(0) { $0 + $1.tokenCount } <= 7)
                for slice in slices { left[slice.sequence, default: 0] -= slice.tokenCount }
                for (id, count) in left where count == 0 {
                    left[id] = nil
                    scheduler.remove(id)
                }
            }
        }
        var steps = 0
        while !scheduler.isIdle, steps < 1000 {
            for slice in scheduler.nextStep() {
                left[slice.sequence, default: 0] -= slice.tokenCount
                if left[slice.sequence] == 0 { scheduler.remove(slice.sequence) }
            }
            steps += 1
        }
        #expect(left.values.allSatisfy { $0 == 0 } && scheduler.isIdle)
    }
}
