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
