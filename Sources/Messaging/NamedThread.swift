import CLinux
import Glibc
import Synchronization

/// A thread of our own, by name in `top` and debuggers.
///
/// Runs one closure to its end. Polling and mathematics live on such threads, because the
/// cooperative pool must never block.
@safe public final class NamedThread: Sendable {
    private struct State {
        var isFinished = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// What the thread is given: it owns this until it ends.
    private final class Work {
        let name: String
        let body: () -> Void

        init(name: String, body: @escaping () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// The kernel keeps 15 bytes of a name.
    public static let longestName = 15

    public let name: String
    private let end: End
    /// The thread, until somebody joins it.
    private let handle: Mutex<pthread_t?>

    /// Shared with the thread, which may outlive the `NamedThread`.
    private final class End: Sendable {
        let state = Mutex(State())

        func reach() {
            let waiters = state.withLock { state in
                state.isFinished = true
                return state.waiters
            }
            for waiter in waiters { waiter.resume() }
        }
    }

    /// Starts `body` on a new thread.
    ///
    /// What `body` captures goes with it, so sockets made by the caller belong to the thread.
    public init(_ name: String, body: sending @escaping () -> Void) throws(MessagingError) {
        precondition(
            (1...Self.longestName).contains(name.utf8.count),
            "a thread name has 1 to \(Self.longestName) bytes, unlike \"\(name)\""
        )
        self.name = name
        let end = End()
        self.end = end
        let work = Work(name: name) {
            body()
            end.reach()
        }
        handle = Mutex(try Self.start(work))
    }

    deinit {
        if let thread = handle.withLock({ $0.take() }) { pthread_detach(thread) }
    }

    /// Blocks until the thread has ended.
    ///
    /// Once, and not from the cooperative pool.
    public func join() {
        guard let thread = handle.withLock({ $0.take() }) else {
            preconditionFailure("thread \(name) is joined twice")
        }
        let status = pthread_join(thread, nil)
        precondition(status == 0, "joining thread \(name) failed with error \(status)")
    }

    /// Waits for the end without blocking the caller's thread.
    public func finished() async {
        await withCheckedContinuation { continuation in
            let isFinished = end.state.withLock { state in
                if !state.isFinished { state.waiters.append(continuation) }
                return state.isFinished
            }
            if isFinished { continuation.resume() }
        }
    }

    private static func start(_ work: Work) throws(MessagingError) -> pthread_t {
        var thread = pthread_t()
        let argument = unsafe Unmanaged.passRetained(work)
        let status = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let work = unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
                unsafe moiety_thread_set_name(work.name)
                work.body()
                return nil
            },
            argument.toOpaque()
        )
        guard status == 0 else {
            unsafe argument.release()
            throw .failed(
                operation: "starting thread \(work.name)",
                reason: systemReason(status)
            )
        }
        return thread
    }
}
