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

    /// Lets those run who have a slot, and makes up a step.
    private func step(_ scheduler: inout Scheduler) -> [Scheduler.Slice] {
        while scheduler.hasSlot, let next = scheduler.next { scheduler.start(next) }
        return scheduler.nextStep()
    }

    private func pairs(_ slices: [Scheduler.Slice]) -> [[Int]] {
        slices.map { [Int($0.sequence), $0.tokenCount] }
    }

    @Test("A long prompt runs in chunks of the step's rows")
    func chunks() {
        var scheduler = scheduler()
        scheduler.add(1, promptTokenCount: 19)
        #expect(pairs(step(&scheduler)) == [[1, 8]])
        #expect(pairs(step(&scheduler)) == [[1, 8]])
        #expect(pairs(step(&scheduler)) == [[1, 3]])
        #expect(step(&scheduler).isEmpty)
        #expect(!scheduler.isIdle)
    }

    @Test("A step may be held to fewer rows, and the next one has all of them again")
    func fewerRows() {
        var scheduler = scheduler()
        scheduler.add(1, promptTokenCount: 19)
        scheduler.start(1)
        #expect(pairs(scheduler.nextStep(most: 3)) == [[1, 3]])
        #expect(pairs(scheduler.nextStep(most: 0)) == [[1, 1]])
        #expect(pairs(scheduler.nextStep(most: 100)) == [[1, 8]])
        #expect(pairs(scheduler.nextStep()) == [[1, 7]])
    }

    @Test("Of one owner's, whose first token is due first goes first; then who came first")
    func due() {
        func order(_ times: [Duration?]) -> [UInt64] {
            var scheduler = scheduler(running: 1, queued: 9)
            for (index, time) in times.enumerated() {
                scheduler.add(
                    UInt64(index),
                    promptTokenCount: 4,
                    priority: index == 3 ? 1 : 0,
                    wish: Scheduler.Wish(firstToken: time)
                )
            }
            return times.map { _ in
                let next = scheduler.next ?? .max
                scheduler.start(next)
                scheduler.remove(next)
                return next
            }
        }
        #expect(order([.seconds(9), .seconds(5), .seconds(9)]) == [1, 0, 2])
        // Who wishes nothing counts as who wishes ten minutes.
        #expect(order([nil, .seconds(599), nil]) == [1, 0, 2])
        #expect(order([nil, .seconds(600), .seconds(1), nil]) == [3, 2, 0, 1])
    }

    @Test("Sequences that generate get their row before any prompt")
    func decodeFirst() {
        var scheduler = scheduler()
        scheduler.add(1, promptTokenCount: 30)
        _ = step(&scheduler)
        scheduler.add(2, promptTokenCount: 1)
        #expect(pairs(step(&scheduler)) == [[1, 7], [2, 1]])
        scheduler.continueSequence(2)
        #expect(pairs(step(&scheduler)) == [[1, 7], [2, 1]])
    }

    @Test("Prompts share what is left in order of arrival")
    func arrival() {
        var scheduler = scheduler()
        for id: UInt64 in 1...3 { scheduler.add(id, promptTokenCount: 5) }
        #expect(pairs(step(&scheduler)) == [[1, 5], [2, 3]])
        #expect(pairs(step(&scheduler)) == [[2, 2], [3, 5]])
    }

    @Test("More sequences than may run wait, and move up when one ends")
    func queue() {
        var scheduler = scheduler(rows: 100)
        for id: UInt64 in 1...5 {
            #expect(!scheduler.isFull)
            scheduler.add(id, promptTokenCount: 2)
        }
        #expect(scheduler.isFull)
        #expect(pairs(step(&scheduler)) == [[1, 2], [2, 2], [3, 2]])
        #expect(scheduler.runningCount == 3 && scheduler.queuedCount == 2 && scheduler.isFull)
        scheduler.remove(2)
        #expect(!scheduler.isFull)
        #expect(pairs(step(&scheduler)) == [[4, 2]])
        #expect(scheduler.queuedCount == 1)
        scheduler.remove(5)
        #expect(scheduler.queuedCount == 0 && scheduler.runningCount == 3)
    }

    @Test("A higher priority goes first, in the queue and among prompts, and says who makes room")
    func priorities() {
        var scheduler = scheduler(rows: 4, running: 2, queued: 9)
        scheduler.add(1, promptTokenCount: 6, priority: -1)
        scheduler.add(2, promptTokenCount: 3)
        scheduler.add(3, promptTokenCount: 3, priority: 2)
        #expect(scheduler.next == 3)
        #expect(pairs(step(&scheduler)) == [[2, 1], [3, 3]])
        #expect(scheduler.next == 1 && !scheduler.hasSlot)
        #expect(scheduler.victim(for: 1) == nil && scheduler.lastRunning == 2)
        scheduler.add(4, promptTokenCount: 1, priority: 1)
        #expect(scheduler.next == 4 && scheduler.victim(for: 4) == 2)
        scheduler.interrupt(2, tokenCount: 3)
        #expect(scheduler.victim(for: 4) == nil)
        #expect(pairs(step(&scheduler)) == [[4, 1]])
        scheduler.remove(4)
        // It keeps its place before those that came after it, and all is to be computed again.
        #expect(scheduler.next == 2)
        #expect(pairs(step(&scheduler)) == [[2, 3]])
    }

    @Test("What others computed need not be computed again")
    func computed() {
        var scheduler = scheduler(rows: 10)
        scheduler.add(1, promptTokenCount: 30)
        scheduler.start(1, computed: 28)
        #expect(pairs(scheduler.nextStep()) == [[1, 2]])
    }

    @Test("Of equal priority the last one makes room, and nobody for one that waits")
    func victims() {
        var scheduler = scheduler()
        for id: UInt64 in 1...4 { scheduler.add(id, promptTokenCount: 1) }
        _ = step(&scheduler)
        #expect(scheduler.lastRunning == 3 && scheduler.victim(for: 4) == nil)
        scheduler.remove(3)
        #expect(scheduler.lastRunning == 2)
    }

    @Test("Owners take turns, however many sequences each has")
    func owners() {
        var scheduler = scheduler(rows: 8, running: 1, queued: 99)
        for id: UInt64 in 1...8 { scheduler.add(id, promptTokenCount: 4, owner: "many") }
        for id: UInt64 in 11...12 { scheduler.add(id, promptTokenCount: 4, owner: "few") }
        var order: [UInt64] = []
        while let slice = step(&scheduler).first {
            order.append(slice.sequence)
            scheduler.remove(slice.sequence)
        }
        #expect(order == [1, 11, 2, 12, 3, 4, 5, 6, 7, 8])
    }

    @Test("Whose sequences were long waits for those whose were short")
    func longAndShort() {
        var scheduler = scheduler(rows: 100, running: 1, queued: 99)
        for id: UInt64 in 1...3 { scheduler.add(id, promptTokenCount: 30, owner: "long") }
        for id: UInt64 in 11...15 { scheduler.add(id, promptTokenCount: 10, owner: "short") }
        var order: [UInt64] = []
        while let slice = step(&scheduler).first {
            order.append(slice.sequence)
            scheduler.remove(slice.sequence)
        }
        #expect(order == [1, 11, 12, 13, 2, 14, 15, 3])
    }

    @Test("Unknown sequences are left alone")
    func unknown() {
        var scheduler = scheduler()
        scheduler.continueSequence(9)
        scheduler.remove(9)
        #expect(scheduler.isIdle)
        #expect(step(&scheduler).isEmpty)
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
                let slices = step(&scheduler)
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
            for slice in step(&scheduler) {
                left[slice.sequence, default: 0] -= slice.tokenCount
                if left[slice.sequence] == 0 { scheduler.remove(slice.sequence) }
            }
            steps += 1
        }
        #expect(left.values.allSatisfy { $0 == 0 } && scheduler.isIdle)
    }
}
