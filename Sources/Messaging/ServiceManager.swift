import Glibc
import Synchronization

/// Who started a daemon and minds it, as systemd does: hears what it does and that it still lives
/// (sd_notify(3)).
///
/// From any thread; a manager that does not listen costs nothing. One whose socket is full hears
/// later what it must not miss: one that never heard that a daemon serves would end it.
public struct ServiceManager: Sendable {
    /// How often it wants to hear that the daemon lives; nil where it does not ask.
    public let aliveInterval: Duration?
    private let path: String?
    private let words = Words()

    /// Shared by all copies of the value.
    private final class Words: Sendable {
        struct State {
            var hasServed = false
            /// What the manager has still to hear, oldest first.
            var owed: [String] = []
        }

        let state = Mutex(State())

        /// Words that wait; the oldest gives way.
        static let limit = 16
    }

    /// Of a daemon that nobody minds.
    public static let none = ServiceManager(environment: [:])

    /// What the environment says of the manager: `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`.
    public init(environment: [String: String]) {
        path = environment["NOTIFY_SOCKET"].flatMap { path in
            let isPath = path.hasPrefix("/") || path.hasPrefix("@")
            return isPath && path.utf8.count <= Endpoint.pathByteLimit ? path : nil
        }
        let isForUs = environment["WATCHDOG_PID"].map { $0 == "\(getpid())" } ?? true
        let limit = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        // Half the limit, so that one late word does not end the daemon.
        aliveInterval = isForUs && limit > 1 && path != nil ? .microseconds(limit / 2) : nil
    }

    /// Whether anybody listens.
    public var listens: Bool { path != nil }

    /// What it does now, in a sentence for `systemctl status`.
    public func tell(status: String) {
        // Of two that wait, only the later one says what is so.
        words.state.withLock { $0.owed.removeAll { $0.hasPrefix("STATUS=") } }
        tell("STATUS=" + status.replacing("\n", with: " "))
    }

    /// It serves from now on.
    public func tellReady() {
        words.state.withLock { $0.hasServed = true }
        tell("READY=1")
    }

    /// It reads its settings anew, and serves again when `body` is done.
    ///
    /// Before it serves, that is not said: it would mean that it does.
    public func tellReloading(while body: () -> Void) {
        let serves = words.state.withLock(\.hasServed)
        if serves { tell("RELOADING=1\nMONOTONIC_USEC=\(Self.monotonicMicroseconds)") }
        body()
        if serves { tell("READY=1") }
    }

    private static var monotonicMicroseconds: Int {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }

    /// It was told to end, and does what is left.
    public func tellStopping() { tell("STOPPING=1") }

    /// It still lives: for its loop to say, which also repeats what was not taken before.
    public func tellAlive() {
        tellOwed()
        // Missed ones are made up for by the next.
        if aliveInterval != nil { _ = send("WATCHDOG=1") }
    }

    private func tell(_ text: String) {
        guard listens else { return }
        words.state.withLock { state in
            state.owed = (state.owed + [text]).suffix(Words.limit)
        }
        tellOwed()
    }

    private func tellOwed() {
        words.state.withLock { state in
            state.owed = Array(state.owed.drop { send($0) })
        }
    }

    /// One datagram; nobody waits for it.
    ///
    /// - Returns: false where the socket is full.
    private func send(_ text: String) -> Bool {
        guard let path else { return true }
        let descriptor = socket(
            AF_UNIX,
            Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
                | Int32(SOCK_NONBLOCK.rawValue),
            0
        )
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            unsafe bytes.copyBytes(from: path.utf8)
            // A name without a file begins with a zero, which texts show as an @.
            if path.hasPrefix("@") { unsafe bytes[0] = 0 }
        }
        let header = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        let length = socklen_t(header + path.utf8.count)
        let bytes = Array(text.utf8)
        let count = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe sendto(
                    descriptor,
                    bytes,
                    bytes.count,
                    Int32(MSG_NOSIGNAL),
                    pointer,
                    length
                )
            }
        }
        return count >= 0 || (errno != EAGAIN && errno != ENOBUFS)
    }
}

/// Tells a service manager, from a loop's turns, that the loop lives and what it does.
public struct ServiceNews {
    private let manager: ServiceManager
    private let interval: Duration
    private var next = ContinuousClock.now
    private var status = ""

    /// Between looks at the status, where the manager sets no pace.
    private static let pace = Duration.seconds(1)

    public init(_ manager: ServiceManager) {
        self.manager = manager
        interval = min(manager.aliveInterval ?? Self.pace, Self.pace)
    }

    /// How long the loop may sleep, which would sleep for `timeout`; nil is for ever.
    public func soonest(_ timeout: Duration?) -> Duration? {
        guard manager.listens else { return timeout }
        let patience = max(.zero, next - .now)
        return timeout.map { min($0, patience) } ?? patience
    }

    /// Says what there is to say, when it is time.
    public mutating func turn(status: () -> String) {
        guard manager.listens, ContinuousClock.now >= next else { return }
        next = .now + interval
        manager.tellAlive()
        let text = status()
        guard text != self.status else { return }
        self.status = text
        manager.tell(status: text)
    }
}
