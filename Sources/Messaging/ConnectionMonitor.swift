import CZeroMQ
import Glibc

/// What became of the connections to one bound socket, counted since it was bound.
public struct ConnectionCounts: Hashable, Sendable {
    /// Connections that were taken.
    public var accepted = 0
    /// Connections that ended, for whatever reason: the peer left, or sent a frame beyond the
    /// limit, which the library does not tell apart.
    public var ended = 0
    /// Those among them that never spoke the protocol, or not in time.
    public var failedHandshakes = 0
    /// Those among them whose key the doorkeeper did not accept.
    public var refusedKeys = 0
    /// Connections that could not be taken, most of them because too many are open.
    public var refused = 0

    /// Connections that are open now.
    public var open: Int { max(0, accepted - ended) }

    public init() {}
}

/// Listens to what the library tells about the connections of one socket.
///
/// Belongs to the thread that owns the socket, which reads it now and then; nothing waits for it.
@safe final class ConnectionMonitor {
    private(set) var counts = ConnectionCounts()
    private let watched: UnsafeMutableRawPointer
    private let events: UnsafeMutableRawPointer

    private static let wanted =
        ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_DISCONNECTED
        | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
        | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH

    init(
        of socket: UnsafeMutableRawPointer,
        in context: MessagingContext
    ) throws(MessagingError) {
        // The address of the socket tells it from every other one of the context.
        let address = "inproc://monitor-\(UInt(bitPattern: socket))"
        guard unsafe zmq_socket_monitor(socket, address, Int32(Self.wanted)) == 0 else {
            throw lastFailure("zmq_socket_monitor")
        }
        guard let events = unsafe zmq_socket(context.handle, ZMQ_PAIR) else {
            throw lastFailure("zmq_socket")
        }
        unsafe watched = socket
        unsafe self.events = events
        // The library's thread waits for room in a queue of events, and with it every connection.
        // So this one has no limit; it is read whenever the socket is.
        var unlimited: Int32 = 0
        let size = MemoryLayout<Int32>.size
        guard unsafe zmq_setsockopt(events, ZMQ_RCVHWM, &unlimited, size) == 0,
            unsafe zmq_connect(events, address) == 0
        else {
            let failure = lastFailure("watching connections")
            close()
            throw failure
        }
    }

    /// Ends the watch; the socket may then be closed.
    func close() {
        unsafe zmq_socket_monitor(watched, nil, 0)
        unsafe zmq_close(events)
    }

    /// Counts what has been told since the last time, at most one turn's worth.
    func read() {
        for _ in 0..<MessagingLimits.eventTurn {
            guard let event = nextEvent() else { return }
            switch Int32(event) {
            case ZMQ_EVENT_ACCEPTED: counts.accepted += 1
            case ZMQ_EVENT_ACCEPT_FAILED: counts.refused += 1
            case ZMQ_EVENT_DISCONNECTED: counts.ended += 1
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
                counts.failedHandshakes += 1
                counts.refusedKeys += 1
            default: counts.failedHandshakes += 1
            }
        }
    }

    /// The number of the next event, or nil where there is none.
    ///
    /// Two frames: number and value, in 6 bytes of the machine's order, then the endpoint.
    private func nextEvent() -> UInt16? {
        var bytes: [UInt8] = Array(repeating: 0, count: 6)
        guard nextFrame(&bytes) >= 2 else { return nil }
        var endpoint: [UInt8] = []
        _ = nextFrame(&endpoint)
        return UInt16(bytes[0]) | UInt16(bytes[1]) << 8
    }

    /// Takes a frame, or as much of it as there is room for.
    ///
    /// A signal must not make us miss one, or what follows would be read in the wrong place.
    ///
    /// - Returns: its length, or -1 where there is none.
    private func nextFrame(_ bytes: inout [UInt8]) -> Int32 {
        while true {
            let count = unsafe zmq_recv(events, &bytes, bytes.count, ZMQ_DONTWAIT)
            if count >= 0 || errno != EINTR { return count }
        }
    }
}
