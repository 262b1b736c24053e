import CZeroMQ
import Glibc

/// One end of many connections (a router) or of one (a dealer).
///
/// Belongs to one thread at a time: whoever makes it may hand it to the thread that uses it, and
/// the compiler holds users to that because the class is not `Sendable`. Sending and receiving
/// answer at once; `Poller` does the sleeping.
@safe public final class Socket {
    public enum Kind: Equatable, Sendable {
        /// Binds; tells its peers apart by routing id.
        case router
        /// Connects; has one far end.
        case dealer
    }

    public let kind: Kind
    public let limits: MessagingLimits

    /// Messages thrown away on arrival because they exceeded the limits.
    ///
    /// Over `tcp` and `ipc` a frame beyond the limit never gets this far: the library drops the
    /// connection at the frame's header, before it allocates anything.
    public private(set) var droppedMessageCount = 0

    /// Connections that came to where this socket is bound, and how they went.
    public var connections: ConnectionCounts {
        monitor?.read()
        return monitor?.counts ?? ConnectionCounts()
    }

    /// Whether only those come in whose keys are listed.
    private let isGuarded: Bool
    let handle: UnsafeMutableRawPointer
    /// Kept alive for the socket's sake.
    private let context: MessagingContext
    private var monitor: ConnectionMonitor?
    /// Ports where connections are counted by address.
    private var guardedPorts: [UInt16] = []
    /// For messages whose frames are copied.
    private let arrival: FrameList

    public init(
        _ kind: Kind,
        in context: MessagingContext,
        options: SocketOptions = SocketOptions()
    ) throws(MessagingError) {
        let type = kind == .router ? ZMQ_ROUTER : ZMQ_DEALER
        guard let handle = unsafe zmq_socket(context.handle, type) else {
            throw lastFailure("zmq_socket")
        }
        unsafe self.handle = handle
        self.kind = kind
        self.context = context
        limits = options.limits
        isGuarded = options.security?.isServer ?? false
        arrival = FrameList(capacity: options.limits.frameCount)
        try apply(options)
        if let security = options.security { try apply(security) }
    }

    deinit {
        // First, because nobody may be told of the end of what it watches.
        monitor?.close()
        unsafe zmq_close(handle)
        for port in guardedPorts { ConnectionGate.shared.leave(port) }
    }

    // MARK: - Endpoints

    /// Listens at `endpoint` and returns it as bound, with the port that the system chose.
    ///
    /// Refuses what other machines could reach, unless keys tell who they are. Refuses a path where
    /// somebody listens or where something else than a socket is, because the library would remove
    /// it; a socket that a killed process left is replaced.
    @discardableResult
    public func bind(_ endpoint: Endpoint) throws(MessagingError) -> Endpoint {
        guard endpoint.isLoopback || isGuarded else { throw .keysNeeded(endpoint) }
        try allowV6(endpoint)
        try endpoint.requireFreePath()
        if monitor == nil { monitor = try unsafe ConnectionMonitor(of: handle, in: context) }
        guard unsafe zmq_bind(handle, endpoint.address) == 0 else {
            if errno == EADDRINUSE { throw .addressInUse(endpoint) }
            throw .endpointRefused(endpoint, operation: "bind", reason: lastReason())
        }
        let bound = try Endpoint(lastEndpoint())
        if isGuarded, case .tcp(_, let port) = bound.transport {
            ConnectionGate.shared.watch(port)
            guardedPorts.append(port)
        }
        return bound
    }

    /// Connects to `endpoint` in the background, again and again until somebody answers.
    public func connect(_ endpoint: Endpoint) throws(MessagingError) {
        try allowV6(endpoint)
        guard unsafe zmq_connect(handle, endpoint.address) == 0 else {
            throw .endpointRefused(endpoint, operation: "connect to", reason: lastReason())
        }
    }

    /// Waits until the socket would take a message: a dealer's connection stands.
    ///
    /// For programs with one connection; loop threads just try again later.
    ///
    /// - Returns: Whether it came to that within `timeout`.
    public func waitUntilSendable(timeout: Duration) throws(MessagingError) -> Bool {
        var items = unsafe [
            zmq_pollitem_t(socket: handle, fd: -1, events: Int16(ZMQ_POLLOUT), revents: 0)
        ]
        return try unsafe pollItems(&items, timeout: timeout) > 0
    }

    // MARK: - Messages

    /// Sends one message, or nothing of it.
    ///
    /// A router names the peer, a dealer has only one. Throws `queueFull` or `unroutable` where the
    /// connection does not take it right now.
    public func send(_ frames: [[UInt8]], to peer: Peer?) throws(MessagingError) {
        precondition(!frames.isEmpty, "a message needs a frame")
        precondition((peer != nil) == (kind == .router), "a router names a peer, a dealer none")
        try check(frames)
        if let peer {
            try sendFirst(peer.bytes, hasMore: true, to: peer)
            try sendRest(frames[...], to: peer)
        } else {
            try sendFirst(frames[0], hasMore: frames.count > 1, to: nil)
            try sendRest(frames[1...], to: nil)
        }
    }

    /// Sends one message where its frames lie, or nothing of it, and empties the list.
    public func send(_ frames: FrameList, to peer: Peer?) throws(MessagingError) {
        precondition(!frames.isEmpty, "a message needs a frame")
        precondition((peer != nil) == (kind == .router), "a router names a peer, a dealer none")
        defer { frames.removeAll() }
        try check(frameCount: frames.count, largest: frames.largestByteCount)
        if let peer { try sendFirst(peer.bytes, hasMore: true, to: peer) }
        try send(frames, from: 0, to: peer)
    }

    /// The next message, or nil where none has arrived.
    ///
    /// What exceeds the limits is thrown away and counted, and the next message is looked at.
    public func receive() throws(MessagingError) -> ReceivedMessage? {
        guard try receive(into: arrival) else { return nil }
        defer { arrival.removeAll() }
        return ReceivedMessage(peer: arrival.peer, frames: arrival.copies, sender: arrival.sender)
    }

    /// Takes the next message where it lies, in place of what the list held.
    ///
    /// - Returns: whether one has arrived.
    public func receive(into frames: FrameList) throws(MessagingError) -> Bool {
        // Whoever floods us with connections fills no queue of events either.
        monitor?.read()
        while true {
            frames.removeAll()
            guard let isWithinLimits = try takeFrames(into: frames) else { return false }
            if isWithinLimits { return true }
            droppedMessageCount += 1
        }
    }

    private func check(_ frames: [[UInt8]]) throws(MessagingError) {
        try check(frameCount: frames.count, largest: frames.reduce(0) { max($0, $1.count) })
    }

    private func check(frameCount: Int, largest: Int) throws(MessagingError) {
        guard frameCount <= limits.frameCount, largest <= limits.frameByteCount else {
            throw .messageTooLarge(frameCount: frameCount, largestFrameByteCount: largest)
        }
    }
}

// MARK: - Options

extension Socket {
    private func apply(_ options: SocketOptions) throws(MessagingError) {
        try set(ZMQ_LINGER, options.linger.milliseconds)
        try set(ZMQ_IMMEDIATE, options.requiresConnection ? 1 : 0 as Int32)
        try set(ZMQ_SNDHWM, Int32(clamping: limits.queuedMessageCount))
        try set(ZMQ_RCVHWM, Int32(clamping: limits.receivedMessageCount))
        try set(ZMQ_MAXMSGSIZE, Int64(limits.receivedFrameByteCount))
        try set(ZMQ_RECONNECT_IVL, options.reconnectPause.milliseconds)
        try set(ZMQ_RECONNECT_IVL_MAX, options.longestReconnectPause.milliseconds)
        try set(ZMQ_HANDSHAKE_IVL, options.handshakeTime.milliseconds)
        // The cluster has heartbeats of its own; these only let the system forget hosts that
        // vanished without a word, so that their connections do not add up.
        try set(ZMQ_TCP_KEEPALIVE, 1 as Int32)
        try set(ZMQ_TCP_KEEPALIVE_IDLE, 30 as Int32)
        try set(ZMQ_TCP_KEEPALIVE_INTVL, 10 as Int32)
        try set(ZMQ_TCP_KEEPALIVE_CNT, 3 as Int32)
        switch kind {
        case .router:
            try set(ZMQ_ROUTER_MANDATORY, 1 as Int32)
            try set(ZMQ_ROUTER_HANDOVER, options.replacesPeers ? 1 : 0 as Int32)
        case .dealer:
            guard let id = options.routingID else { return }
            try set(ZMQ_ROUTING_ID, id.bytes)
        }
    }

    private func allowV6(_ endpoint: Endpoint) throws(MessagingError) {
        if endpoint.isV6 { try set(ZMQ_IPV6, 1 as Int32) }
    }

    /// Sets an option whose value has the size of `Value`, as the library checks.
    func set<Value: FixedWidthInteger>(
        _ option: Int32,
        _ value: Value
    ) throws(MessagingError) {
        var value = value
        guard unsafe zmq_setsockopt(handle, option, &value, MemoryLayout<Value>.size) == 0 else {
            throw lastFailure("zmq_setsockopt(\(option))")
        }
    }

    func set(_ option: Int32, _ bytes: [UInt8]) throws(MessagingError) {
        guard unsafe zmq_setsockopt(handle, option, bytes, bytes.count) == 0 else {
            throw lastFailure("zmq_setsockopt(\(option))")
        }
    }

    private func lastEndpoint() throws(MessagingError) -> String {
        var text = [UInt8](repeating: 0, count: MessagingLimits.endpointByteCount + 1)
        var count = text.count
        guard unsafe zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &text, &count) == 0 else {
            throw lastFailure("reading the bound endpoint")
        }
        return String(decoding: text.prefix(count).prefix { $0 != 0 }, as: UTF8.self)
    }
}

extension Duration {
    /// Whole milliseconds as the library takes them: rounded up, from 0 to 24 days.
    var milliseconds: Int32 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < Int64(Int32.max) / 1000 else { return .max }
        return Int32(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
