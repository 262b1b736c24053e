import Foundation
import Kernels
import Synchronization
import Testing

@Suite("Which threads compute where")
struct ComputeThreadsTests {
    /// Two cores with two CPUs each, as the kernel numbers them on most machines.
    private func machine(
        cpus: [Int] = [0, 1, 2, 3],
        quota: String? = nil
    ) -> Cores {
        Cores(cpus: cpus, siblings: { "\($0 % 2),\($0 % 2 + 2)" }, quota: quota)
    }

    @Test("A core counts once, whichever of its CPUs the process may use")
    func siblings() {
        #expect(machine().physical == [0, 1])
        #expect(machine(cpus: [1, 2, 3]).physical == [1, 2])
        #expect(machine(cpus: [2]).physical == [2])
        #expect(Cores(cpus: [4, 7], siblings: { _ in nil }, quota: nil).physical == [4, 7])
    }

    @Test(
        "A container's share of time bounds the threads, rounded up",
        arguments: [
            ("max 100000\n", 2), ("100000 100000\n", 1), ("150000 100000", 2),
            ("10000 100000", 1), ("800000 100000", 2), ("nonsense", 2), ("", 2), ("1 0", 2),
        ]
    )
    func quota(line: String, threads: Int) throws {
        let cores = machine(quota: line)
        #expect(cores.threadCount == threads)
        #expect(try ComputeThreads(wanted: 0, cpus: [], of: cores).count == threads)
    }

    @Test("Threads are bound where CPUs are named, or where they take all cores anyway")
    func binding() throws {
        let cores = machine()
        let named = try ComputeThreads(wanted: 0, cpus: [3, 1], of: cores)
        #expect(named.cpus == [3, 1])
        #expect("\(named)" == "2 on CPUs 3, 1")
        #expect(try ComputeThreads(wanted: 1, cpus: [3, 1], of: cores).cpus == [3])
        #expect(try ComputeThreads(wanted: 0, cpus: [], of: cores).cpus == [])
        let all = try ComputeThreads(wanted: 2, cpus: [], takesAllCores: true, of: cores)
        #expect(all.cpus == [0, 1])
        let some = try ComputeThreads(wanted: 1, cpus: [], takesAllCores: true, of: cores)
        #expect(some == ComputeThreads(count: 1))
        let more = try ComputeThreads(wanted: 5, cpus: [], takesAllCores: true, of: cores)
        #expect(more == ComputeThreads(count: 5))
    }

    @Test("A CPU that the process may not use is refused, saying which it may")
    func unusable() {
        let error = KernelsError.unusableCPUs([7, 9], usable: [0, 1, 2, 3])
        #expect(throws: error) {
            try ComputeThreads(wanted: 0, cpus: [7, 1, 9], of: machine())
        }
        #expect(error.description.contains("no CPU 7, 9 "))
        #expect(error.description.hasSuffix("may use 0, 1, 2, 3"))
    }

    @Test("More threads than CPUs are refused")
    func tooMany() {
        #expect(throws: KernelsError.moreThreadsThanCPUs(3, cpus: [0, 1])) {
            try ComputeThreads(wanted: 3, cpus: [0, 1], of: machine())
        }
    }

    @Test("This machine has cores, and this thread may use them")
    func thisMachine() {
        let cores = Cores.current()
        #expect(!cores.physical.isEmpty)
        #expect(cores.threadCount >= 1)
        #expect(Set(cores.physical).isSubset(of: cores.cpus))
    }

    @Test("Helpers and caller run on the CPU of theirs only")
    func affinity() throws {
        let cpus = Array(Cores.current().cpus.prefix(3))
        let threads = try ComputeThreads(wanted: 0, cpus: cpus)
        let seen = Mutex<[[Int]]>([])
        // On a thread of its own: the test's shall run where it likes.
        let thread = Thread {
            let pool = ThreadPool(threads)
            pool.bindCaller()
            let begun = Atomic<Int>(0)
            pool.run(cpus.count) { _ in
                begun.add(1, ordering: .relaxed)
                while begun.load(ordering: .relaxed) < cpus.count { sched_yield() }
                seen.withLock { $0.append(CurrentThread.cpus) }
            }
        }
        thread.start()
        while !thread.isFinished { sched_yield() }
        #expect(seen.withLock { $0 }.sorted { $0[0] < $1[0] } == cpus.map { [$0] })
    }

    @Test("Threads without CPUs run where the process may")
    func unbound() {
        let allowed = CurrentThread.cpus
        let pool = ThreadPool(ComputeThreads(count: 2))
        pool.bindCaller()
        let seen = Mutex<Set<[Int]>>([])
        pool.run(64) { _ in _ = seen.withLock { $0.insert(CurrentThread.cpus) } }
        #expect(seen.withLock { $0 } == [allowed])
    }
}
