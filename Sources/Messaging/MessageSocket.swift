/// A socket as the daemons' loops see it.
///
/// `Socket` is ZeroMQ's; tests have another, on a network that they invent. Both answer at once.
public protocol MessageSocket: AnyObject {
    /// Sends one message, or nothing of it.
    ///
    /// A router names the peer, a dealer has only one. Throws `queueFull` or `unroutable` where the
    /// connection does not take it right now.
    func send(_ frames: [[UInt8]], to peer: Peer?) throws(MessagingError)

    /// The next message, or nil where none has arrived.
    func receive() throws(MessagingError) -> ReceivedMessage?

    /// Sends one message where its frames lie, or nothing of it, and empties the list.
    func send(_ frames: FrameList, to peer: Peer?) throws(MessagingError)

    /// Takes the next message where it lies, in place of what the list held.
    ///
    /// - Returns: whether one has arrived.
    func receive(into frames: FrameList) throws(MessagingError) -> Bool

    /// Messages thrown away on arrival because they exceeded the limits.
    var droppedMessageCount: Int { get }

    /// Connections that came, and how they went.
    var connections: ConnectionCounts { get }
}

extension MessageSocket {
    /// None, where no stranger can come.
    public var droppedMessageCount: Int { 0 }
    /// None that are worth counting.
    public var connections: ConnectionCounts { ConnectionCounts() }
}

extension MessageSocket {
    /// Sends one message over a dealer's one connection.
    public func send(_ frames: [[UInt8]]) throws(MessagingError) {
        try send(frames, to: nil)
    }
}

// By copies, for sockets that are not the library's.
extension MessageSocket {
    public func send(_ frames: FrameList, to peer: Peer?) throws(MessagingError) {
        defer { frames.removeAll() }
        try send(frames.copies, to: peer)
    }

    public func receive(into frames: FrameList) throws(MessagingError) -> Bool {
        frames.removeAll()
        guard let message = try receive() else { return false }
        for frame in message.frames { frames.append(frame) }
        frames.peer = message.peer
        return true
    }
}

extension Socket: MessageSocket {}

extension MessagingContext {
    /// Opens a dealer's connection, which then stands, or comes back, by itself.
    public func dial(
        _ endpoint: Endpoint,
        options: SocketOptions
    ) throws(MessagingError) -> Socket {
        let socket = try Socket(.dealer, in: self, options: options)
        try socket.connect(endpoint)
        return socket
    }
}
