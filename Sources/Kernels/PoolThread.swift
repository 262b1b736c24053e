import CLinux
import Glibc

/// One of a pool's threads, which serves until its work returns.
public final class PoolThread: Sendable {
    private let thread: pthread_t

    private final class Start: Sendable {
        let name: String
        let cpus: [Int32]
        let work: @Sendable () -> Void

        init(name: String, cpus: [Int], work: @escaping @Sendable () -> Void) {
            self.name = name
            self.cpus = cpus.compactMap { Int32(exactly: $0) }
            self.work = work
        }

        func run() {
            unsafe moiety_thread_set_name(name)
            // A refusal changes only speed.
            if !cpus.isEmpty { _ = unsafe moiety_thread_set_affinity(cpus, Int32(cpus.count)) }
            work()
        }
    }

    /// Starts a thread.
    ///
    /// Where the system has none left, the process ends and says so: nothing is computed without
    /// its threads, and nobody has a second way to go.
    ///
    /// - Parameter cpus: where it may run; anywhere if empty.
    public init(_ name: String, cpus: [Int], work: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let start = unsafe Unmanaged.passRetained(Start(name: name, cpus: cpus, work: work))
        let code = unsafe pthread_create(
            &thread,
            nil,
            { start in
                guard let start = unsafe start else { return nil }
                unsafe Unmanaged<Start>.fromOpaque(start).takeRetainedValue().run()
                return nil
            },
            start.toOpaque()
        )
        if code != 0 { Self.giveUp(name, code) }
        self.thread = thread
    }

    public func join() { pthread_join(thread, nil) }

    private static func giveUp(_ name: String, _ code: Int32) -> Never {
        var message = """
            moiety: thread \(name) cannot be started: \(unsafe String(cString: strerror(code))); \
            allow this user more threads (ulimit -u, TasksMax=), or ask for fewer (--threads)

            """
        _ = message.withUTF8 { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
        _exit(1)
    }
}
