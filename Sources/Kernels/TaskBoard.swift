import Glibc
import Synchronization

/// Where a run's tasks hang until a thread takes them.
///
/// A task is claimed by counting `unclaimed` down. Only who has claimed one reads the run's body
/// and count, and the run cannot end before that task has; so a helper that wakes late meets
/// either no tasks or those of the next run, never a stale body.
@safe final class TaskBoard: @unchecked Sendable {
    // @unchecked: `body` and `taskCount` change only while nothing is unclaimed or unfinished;
    // the condition and its mutex are made for sharing.
    private var body: (@Sendable (Int) -> Void)?
    private var taskCount = 0
    private let unclaimed = Atomic<Int>(0)
    private let unfinished = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)
    private let closed = Atomic<Bool>(false)
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    /// Looks at the board before a helper sleeps: some tens of microseconds.
    private static let spinLimit = 1 << 15

    init() {
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Hangs out the tasks of a run and wakes who sleeps.
    func post(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let left = unfinished.load(ordering: .acquiring)
        precondition(left == 0, "a second thread runs tasks while \(left) are unfinished")
        self.body = body
        taskCount = count
        unfinished.store(count, ordering: .relaxed)
        unclaimed.store(count, ordering: .sequentiallyConsistent)
        wake()
    }

    /// Carries out tasks until none is unclaimed.
    func work() {
        while let index = claim() {
            body?(index)
            unfinished.subtract(1, ordering: .acquiringAndReleasing)
        }
    }

    /// Waits for tasks that other threads still carry out.
    func waitUntilDone() {
        var looks = 0
        while unfinished.load(ordering: .acquiring) > 0 {
            looks += 1
            // Somebody else may need this core to finish.
            if looks > Self.spinLimit { sched_yield() }
        }
        body = nil
    }

    /// A helper's life: work, wait, until the board closes.
    func serve() {
        while !closed.load(ordering: .acquiring) {
            work()
            if !spin() { sleep() }
        }
    }

    /// Sends the helpers home.
    func close() {
        closed.store(true, ordering: .sequentiallyConsistent)
        wake()
    }

    private func claim() -> Int? {
        var count = unclaimed.load(ordering: .relaxed)
        while count > 0 {
            let (claimed, found) = unclaimed.weakCompareExchange(
                expected: count,
                desired: count - 1,
                ordering: .acquiringAndReleasing
            )
            if claimed { return taskCount - count }
            count = found
        }
        return nil
    }

    private var hasNews: Bool {
        unclaimed.load(ordering: .sequentiallyConsistent) > 0
            || closed.load(ordering: .sequentiallyConsistent)
    }

    private func spin() -> Bool {
        for _ in 0..<Self.spinLimit where hasNews { return true }
        return false
    }

    private func sleep() {
        unsafe pthread_mutex_lock(mutex)
        // Announced before the board is looked at again, so that no post goes unnoticed.
        sleepers.add(1, ordering: .sequentiallyConsistent)
        while !hasNews { unsafe pthread_cond_wait(condition, mutex) }
        sleepers.subtract(1, ordering: .sequentiallyConsistent)
        unsafe pthread_mutex_unlock(mutex)
    }

    private func wake() {
        guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
        unsafe pthread_mutex_lock(mutex)
        unsafe pthread_cond_broadcast(condition)
        unsafe pthread_mutex_unlock(mutex)
    }
}
