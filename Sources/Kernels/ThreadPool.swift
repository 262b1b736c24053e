import CLinux
import Glibc
import Synchronization

/// The `moiety-math-N` threads: they share the numbered tasks of one run with its caller.
///
/// Helpers wait for work by spinning for a moment, because in a forward pass the next run follows
/// within microseconds, and then sleep. One thread calls `run` at a time.
public final class ThreadPool: Sendable {
    /// Threads that compute, the caller of `run` included.
    public let threadCount: Int
    private let board = TaskBoard()
    private let helpers: [Helper]

    /// Starts `threadCount - 1` helpers.
    public init(threadCount: Int) {
        precondition(threadCount >= 1, "a pool of \(threadCount) threads cannot compute")
        self.threadCount = threadCount
        helpers = (1..<threadCount).map { [board] in Helper(index: $0, board: board) }
    }

    deinit {
        board.close()
        for helper in helpers { helper.join() }
    }

    /// Runs `body` once for each index below `taskCount`, on any thread and in any order.
    ///
    /// Returns when all have returned. What one task writes no other may touch.
    public func run(_ taskCount: Int, _ body: @Sendable (Int) -> Void) {
        guard taskCount > 1, threadCount > 1 else {
            for index in 0..<taskCount { body(index) }
            return
        }
        withoutActuallyEscaping(body) { body in
            board.post(taskCount, body)
            board.work()
            board.waitUntilDone()
        }
    }
}

/// One helper thread.
private final class Helper: Sendable {
    private let thread: pthread_t

    init(index: Int, board: TaskBoard) {
        let start = ThreadStart(name: "moiety-math-\(index)", board: board)
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(start).toOpaque()
        let code = unsafe pthread_create(
            &thread,
            nil,
            { context in
                guard let context = unsafe context else { return nil }
                let start = unsafe Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue()
                unsafe moiety_thread_set_name(start.name)
                start.board.serve()
                return nil
            },
            context
        )
        precondition(code == 0, "cannot start thread \(start.name): error \(code)")
        self.thread = thread
    }

    func join() {
        pthread_join(thread, nil)
    }
}

private final class ThreadStart: Sendable {
    let name: String
    let board: TaskBoard

    init(name: String, board: TaskBoard) {
        self.name = name
        self.board = board
    }
}
