import CLinux
import Glibc
import Synchronization

/// Where a run's tasks hang until a thread takes them.
///
/// A task is claimed by counting `unclaimed` down; below zero there is none. Only who has claimed
/// one reads the run, and the run cannot end before that task has; so a helper that comes late
/// meets either no tasks or those of the next run, never a stale one. Nobody takes a lock but to
/// sleep and to wake sleepers.
@safe final class TaskBoard: @unchecked Sendable {
    // @unchecked: `run` changes only while nothing is unclaimed or unfinished; the conditions and
    // their mutex are made for sharing.

    /// What the tasks of a run do.
    protocol Work {
        func perform(_ task: Int)
    }

    private struct Run {
        var work: any Work
        var taskCount: Int
    }

    private struct NoWork: Work {
        func perform(_ task: Int) {}
    }

    private let run: UnsafeMutablePointer<Run>
    private let unclaimed = Atomic<Int>(0)
    /// Whether spinning is in vain until the next run.
    private let isResting = Atomic<Bool>(false)
    private let isClosed = Atomic<Bool>(false)
    private let sleepers = Atomic<Int>(0)
    /// Keeps `unfinished`, which helpers write, off the line on which others look for news.
    private let gap = InlineArray<16, Int>(repeating: 0)
    private let unfinished = Atomic<Int>(0)
    private let callerSleeps = Atomic<Bool>(false)

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    /// Helpers sleep here, the caller of a run there.
    private let news = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let end = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        unsafe run = .allocate(capacity: 1)
        unsafe run.initialize(to: Run(work: NoWork(), taskCount: 0))
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(news, nil)
        unsafe pthread_cond_init(end, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(end)
        unsafe pthread_cond_destroy(news)
        unsafe pthread_mutex_destroy(mutex)
        unsafe end.deallocate()
        unsafe news.deallocate()
        unsafe mutex.deallocate()
        unsafe run.deinitialize(count: 1)
        unsafe run.deallocate()
    }

    // MARK: The caller of a run

    /// Hangs out the tasks of a run and wakes who sleeps.
    func post(_ count: Int, _ work: some Work) {
        let left = unfinished.load(ordering: .acquiring)
        precondition(left == 0, "a second thread runs tasks while \(left) are unfinished")
        unsafe run.pointee = Run(work: work, taskCount: count)
        unfinished.store(count, ordering: .relaxed)
        if isResting.load(ordering: .relaxed) { isResting.store(false, ordering: .relaxed) }
        unclaimed.store(count, ordering: .sequentiallyConsistent)
        wakeHelpers()
    }

    /// Waits for tasks that other threads still carry out: a moment awake, then asleep.
    func waitUntilDone() {
        guard !Spin.until({ unfinished.load(ordering: .acquiring) == 0 }) else { return }
        unsafe pthread_mutex_lock(mutex)
        // Announced before the tasks are counted again, so that no end goes unnoticed.
        callerSleeps.store(true, ordering: .sequentiallyConsistent)
        while unfinished.load(ordering: .sequentiallyConsistent) > 0 {
            unsafe pthread_cond_wait(end, mutex)
        }
        callerSleeps.store(false, ordering: .relaxed)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Lets others have the cores of helpers until the next run.
    func rest() { isResting.store(true, ordering: .relaxed) }

    /// Sends the helpers home.
    func close() {
        isClosed.store(true, ordering: .sequentiallyConsistent)
        wakeHelpers()
    }

    private func wakeHelpers() {
        guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
        unsafe pthread_mutex_lock(mutex)
        unsafe pthread_cond_broadcast(news)
        unsafe pthread_mutex_unlock(mutex)
    }

    // MARK: Everyone

    /// Carries out tasks until none is unclaimed.
    func work() {
        guard let first = claim() else { return }
        // The run stays what it is until every task that was claimed is counted as done.
        let (work, count) = unsafe (run.pointee.work, run.pointee.taskCount)
        var left = first
        var done = 0
        while true {
            work.perform(count - left)
            done += 1
            guard let next = claim() else { break }
            left = next
        }
        finish(done)
    }

    /// Takes a task: how many there were with it, or nil where there was none.
    private func claim() -> Int? {
        guard unclaimed.load(ordering: .relaxed) > 0 else { return nil }
        let left = unclaimed.subtract(1, ordering: .acquiring).oldValue
        return left > 0 ? left : nil
    }

    private func finish(_ count: Int) {
        let left = unfinished.subtract(count, ordering: .sequentiallyConsistent).newValue
        guard left == 0, callerSleeps.load(ordering: .sequentiallyConsistent) else { return }
        unsafe pthread_mutex_lock(mutex)
        unsafe pthread_cond_signal(end)
        unsafe pthread_mutex_unlock(mutex)
    }

    // MARK: Helpers

    /// A helper's life: work, wait, until the board closes.
    func serve() {
        while !isClosed.load(ordering: .acquiring) {
            work()
            if !spin() { sleep() }
        }
    }

    private var hasNews: Bool {
        unclaimed.load(ordering: .sequentiallyConsistent) > 0
            || isClosed.load(ordering: .sequentiallyConsistent)
    }

    /// Waits awake for a moment, or until nothing is worth waiting for.
    ///
    /// - Returns: whether there is something to do.
    private func spin() -> Bool {
        _ = Spin.until { hasNews || isResting.load(ordering: .relaxed) }
        guard !hasNews, isResting.load(ordering: .relaxed) else { return hasNews }
        return Spin.yielding { hasNews }
    }

    private func sleep() {
        unsafe pthread_mutex_lock(mutex)
        // Announced before the board is looked at again, so that no post goes unnoticed.
        sleepers.add(1, ordering: .sequentiallyConsistent)
        while !hasNews { unsafe pthread_cond_wait(news, mutex) }
        sleepers.subtract(1, ordering: .sequentiallyConsistent)
        unsafe pthread_mutex_unlock(mutex)
    }
}

/// Waiting awake, for a bounded time.
enum Spin {
    /// About what it costs to sleep and to be woken a few times.
    private static let nanoseconds = 100_000
    /// About as long as a worker computes a share of one row.
    private static let yieldingNanoseconds = 2_000_000
    /// Looks between two questions for the time; each takes some tens of nanoseconds.
    private static let looks = 64

    /// Looks until `condition` holds or time is up, and tells which.
    static func until(_ condition: () -> Bool) -> Bool {
        // What is imminent is seen soonest without pauses.
        for _ in 0..<looks where condition() { return true }
        let deadline = now() + nanoseconds
        repeat {
            for _ in 0..<looks {
                if condition() { return true }
                moiety_pause()
            }
        } while now() < deadline
        return condition()
    }

    /// Looks until `condition` holds or time is up, giving the core to whoever wants it between any
    /// two looks, and tells which.
    ///
    /// To be woken on another core takes longer than most trips to workers leave to spare.
    static func yielding(until condition: () -> Bool) -> Bool {
        let deadline = now() + yieldingNanoseconds
        repeat {
            if condition() { return true }
            sched_yield()
        } while now() < deadline
        return condition()
    }

    private static func now() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
