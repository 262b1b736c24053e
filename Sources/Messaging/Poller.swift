import CZeroMQ
import Glibc

/// Sleeps until one of several sockets has a message, a waker is woken, or time is up.
///
/// Belongs to the thread that owns the sockets.
@safe public struct Poller {
    /// What ended the sleep; nothing at all where time was up.
    public struct Readiness: Equatable, Sendable {
        /// Indices of the sockets that have something to receive, ascending.
        public let sockets: [Int]
        public let isWoken: Bool

        public var isTimeUp: Bool { sockets.isEmpty && !isWoken }
    }

    /// Kept from call to call for its memory only.
    private var items: [zmq_pollitem_t] = unsafe []
    /// How long to look again and again before sleeping.
    private let spin: Duration
    private let clock = ContinuousClock()

    /// - Parameter spin: keeps a core awake for so long after each message, so that the next one is
    ///   met by a thread that runs; others that want the core get it meanwhile.
    public init(spin: Duration = .zero) { self.spin = spin }

    /// Waits for the first event.
    ///
    /// A timeout of nil waits for ever, one of zero only looks; it is rounded up to milliseconds.
    /// The waker stays woken; its owner clears it.
    public mutating func wait(
        for sockets: [any MessageSocket],
        or waker: Waker? = nil,
        timeout: Duration?
    ) throws(MessagingError) -> Readiness {
        unsafe items.removeAll(keepingCapacity: true)
        for socket in sockets {
            guard let socket = socket as? Socket else {
                preconditionFailure("only ZeroMQ's sockets can be polled")
            }
            unsafe items.append(item(socket: socket.handle, descriptor: -1))
        }
        if let waker {
            unsafe items.append(item(socket: nil, descriptor: waker.descriptor))
        }
        var hasEvent = try look()
        if !hasEvent { hasEvent = try unsafe pollItems(&items, timeout: timeout) > 0 }
        guard hasEvent else {
            return Readiness(sockets: [], isWoken: false)
        }
        let ready = sockets.indices.filter { unsafe items[$0].revents != 0 }
        let isWoken = unsafe waker != nil && items[sockets.count].revents != 0
        return Readiness(sockets: ready, isWoken: isWoken)
    }

    /// Looks for an event as long as it may, without sleeping.
    private mutating func look() throws(MessagingError) -> Bool {
        guard spin > .zero else { return false }
        let end = clock.now + spin
        repeat {
            if try unsafe pollItems(&items, timeout: .zero) > 0 { return true }
            sched_yield()
        } while clock.now < end
        return false
    }

    private func item(socket: UnsafeMutableRawPointer?, descriptor: Int32) -> zmq_pollitem_t {
        unsafe zmq_pollitem_t(
            socket: socket,
            fd: descriptor,
            events: Int16(ZMQ_POLLIN),
            revents: 0
        )
    }
}

/// Polls until an event or the timeout, however often a signal interrupts it.
///
/// - Returns: How many items have an event.
func pollItems(
    _ items: inout [zmq_pollitem_t],
    timeout: Duration?
) throws(MessagingError) -> Int {
    let clock = ContinuousClock()
    let deadline = timeout.map { clock.now + $0 }
    var rest = timeout
    while true {
        let milliseconds = rest.map { Int($0.milliseconds) } ?? -1
        let count = unsafe zmq_poll(&items, Int32(items.count), milliseconds)
        if count >= 0 { return Int(count) }
        guard errno == EINTR else { throw lastFailure("zmq_poll") }
        rest = deadline.map { max(.zero, $0 - clock.now) }
    }
}
