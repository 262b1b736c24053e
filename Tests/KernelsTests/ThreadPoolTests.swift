import Glibc
import Kernels
import Synchronization
import Testing

@Suite("Threads")
struct ThreadPoolTests {
    @Test("Each task runs once, however many threads there are", arguments: [1, 2, 3, 7])
    func onceEach(threads: Int) {
        let pool = ThreadPool(ComputeThreads(count: threads))
        for taskCount in [0, 1, 2, 5, 64, 1000] {
            let counts = Mutex([Int](repeating: 0, count: taskCount))
            pool.run(taskCount) { index in counts.withLock { $0[index] += 1 } }
            #expect(counts.withLock { $0 } == [Int](repeating: 1, count: taskCount))
        }
    }

    @Test("Many short runs one after another lose no task")
    func shortRuns() {
        let pool = ThreadPool(ComputeThreads(count: 4))
        let total = Atomic<Int>(0)
        for _ in 0..<20_000 { pool.run(3) { total.add($0 + 1, ordering: .relaxed) } }
        #expect(total.load(ordering: .relaxed) == 120_000)
    }

    @Test("Helpers that rest, or slept, take part in the next run")
    func rest() {
        let pool = ThreadPool(ComputeThreads(count: 2))
        for _ in 0..<200 {
            pool.rest()
            // Neither task ends before both have begun, so it takes two threads.
            let begun = Atomic<Int>(0)
            pool.run(2) { _ in
                begun.add(1, ordering: .relaxed)
                while begun.load(ordering: .relaxed) < 2 { sched_yield() }
            }
        }
    }

    @Test("A caller that waits long for a helper sleeps and is woken")
    func longTasks() {
        let pool = ThreadPool(ComputeThreads(count: 2))
        for _ in 0..<20 {
            let begun = Atomic<Int>(0)
            let total = Atomic<Int>(0)
            pool.run(2) { task in
                begun.add(1, ordering: .relaxed)
                while begun.load(ordering: .relaxed) < 2 { sched_yield() }
                // One of the two takes far longer than anybody waits awake.
                guard task == 0 else { return }
                for number in 0..<2_000_000 { total.add(number & 1, ordering: .relaxed) }
            }
            #expect(total.load(ordering: .relaxed) == 1_000_000)
        }
    }

    @Test("A pool that is let go ends its threads")
    func pools() {
        for _ in 0..<200 {
            let pool = ThreadPool(ComputeThreads(count: 3))
            pool.run(2) { _ in }
        }
    }
}

@Suite("Instruction sets")
struct InstructionSetTests {
    @Test("The best one is taken unless the environment names another")
    func choice() throws {
        #expect(try InstructionSet.chosen(environment: [:]) == .detected)
        #expect(try InstructionSet.chosen(environment: ["MOIETY_ISA": ""]) == .detected)
        #expect(try InstructionSet.chosen(environment: ["MOIETY_ISA": "scalar"]) == .scalar)
    }

    @Test("An unknown name is refused, saying what there is")
    func unknown() {
        let expected = KernelsError.unknownInstructionSet(
            "neon",
            available: InstructionSet.supported
        )
        #expect(throws: expected) { try InstructionSet.chosen(environment: ["MOIETY_ISA": "neon"]) }
        #expect(expected.description.contains("scalar"))
    }
}
