/// The `moiety-math-N` threads: they share the numbered tasks of one run with its caller.
///
/// Helpers wait for work by spinning for a moment, because in a forward pass the next run follows
/// within microseconds, and then sleep. One thread calls `run` at a time.
public final class ThreadPool: Sendable {
    /// Threads that compute, the caller of `run` included.
    public let threadCount: Int
    /// The CPU of each thread, the caller's first; empty where they run anywhere.
    public let cpus: [Int]
    private let board = TaskBoard()
    private let helpers: [PoolThread]

    /// Starts helpers: one fewer than `threads`, as the caller of `run` computes too.
    public init(_ threads: ComputeThreads) {
        threadCount = threads.count
        cpus = threads.cpus
        helpers = (1..<threads.count).map { [board] index in
            let cpus = threads.cpus.isEmpty ? [] : [threads.cpus[index]]
            return PoolThread("moiety-math-\(index)", cpus: cpus) { board.serve() }
        }
    }

    deinit {
        board.close()
        for helper in helpers { helper.join() }
    }

    /// Binds the calling thread to the first of the CPUs, if there are any.
    ///
    /// For the thread that calls `run`, once, before its work. A refusal changes only speed: the
    /// CPUs were there when they were chosen, and the thread goes on where it was.
    public func bindCaller() {
        if let cpu = cpus.first { CurrentThread.bind(to: cpu) }
    }

    /// Lets others have the cores of spinning helpers: nothing comes for a while.
    ///
    /// For a caller that waits for another process, which may need them. Helpers look for work
    /// only when nobody else wants their core, and sleep after a while.
    public func rest() { board.rest() }

    /// The same while the caller, too, looks for something whenever nobody else wants its core; for
    /// two milliseconds at most.
    ///
    /// - Returns: whether `condition` held.
    public func rest(until condition: () -> Bool) -> Bool {
        board.rest()
        return Spin.yielding(until: condition)
    }

    /// Runs `body` once for each index below `taskCount`, on any thread and in any order.
    ///
    /// Returns when all have returned. What one task writes no other may touch. The caller of a
    /// hot path takes the form with `state`, which allocates nothing.
    public func run(_ taskCount: Int, _ body: @Sendable (Int) -> Void) {
        guard taskCount > 1, threadCount > 1 else {
            for index in 0..<taskCount { body(index) }
            return
        }
        withoutActuallyEscaping(body) { body in
            run(taskCount, with: body) { body, index in body(index) }
        }
    }

    /// Runs `body` with `state` once for each index below `taskCount`, on any thread and in any
    /// order.
    ///
    /// Returns when all have returned. What one task writes no other may touch.
    ///
    /// - Parameter body: captures nothing; all it needs is in `state`, so that handing it over
    ///   allocates nothing.
    func run<State>(_ taskCount: Int, with state: State, _ body: @escaping (State, Int) -> Void) {
        guard taskCount > 1, threadCount > 1 else {
            for index in 0..<taskCount { body(state, index) }
            return
        }
        unsafe withUnsafePointer(to: Run(state: state, body: body)) { run in
            board.post(taskCount, unsafe RunReference(run: run))
            board.work()
            board.waitUntilDone()
        }
    }
}

/// What the tasks of one run share, on the stack of its caller.
private struct Run<State> {
    let state: State
    let body: (State, Int) -> Void
}

/// A run as helpers see it, whatever its state; small enough to need no memory of its own.
@safe private struct RunReference<State>: TaskBoard.Work {
    let run: UnsafePointer<Run<State>>

    func perform(_ task: Int) { unsafe run.pointee.body(run.pointee.state, task) }
}
