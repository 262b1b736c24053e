/// How one socket behaves.
///
/// The defaults are those of the daemons.
public struct SocketOptions: Sendable {
    public var limits = MessagingLimits()

    /// The routing id that a dealer shows to the router it connects to; 1 to 255 bytes, the first
    /// of them not 0.
    ///
    /// Without one the router makes one up.
    public var routingID: Peer?

    /// Whether a router gives a routing id to the newest connection that claims it.
    ///
    /// A worker that restarts comes back under its name before the old connection is known dead.
    public var replacesPeers = true

    /// Whether messages wait only for connections that stand.
    ///
    /// Otherwise a dealer queues for a peer that may never come, and a restarted peer is greeted
    /// with messages meant for its former life.
    public var requiresConnection = true

    /// How long messages already sent may still leave after the socket is closed.
    ///
    /// A goodbye needs a moment; anything else is repeated by whoever misses it.
    public var linger: Duration = .zero

    /// First and longest pause between attempts to connect.
    public var reconnectPause: Duration = .milliseconds(100)
    public var longestReconnectPause: Duration = .seconds(2)

    /// How long a connection may take to stand: whoever connects and says nothing is dropped.
    public var handshakeTime: Duration = .seconds(10)

    /// Nil for sockets that only this machine reaches.
    public var security: SocketSecurity?

    public init() {}
}

/// The far end of one connection of a router, by its routing id.
///
/// Says nothing about who it is: any peer may claim any id that is free.
public struct Peer: Hashable, Sendable {
    public static let longest = 255

    /// Those that ZeroMQ makes up have five bytes: tables of thousands of them hold all they need,
    /// and no scattered bits of memory.
    private enum Name: Hashable, Sendable {
        /// The first byte is the lowest; the highest byte tells how many there are.
        case short(UInt64)
        case long([UInt8])
    }

    private let name: Name

    /// - Precondition: 1 to 255 bytes.
    public init(_ bytes: [UInt8]) {
        precondition(
            (1...Self.longest).contains(bytes.count),
            "a routing id has 1 to \(Self.longest) bytes, not \(bytes.count)"
        )
        guard bytes.count < UInt64.bitWidth / 8 else {
            name = .long(bytes)
            return
        }
        let count = UInt64(bytes.count) << 56
        name = .short(
            bytes.enumerated().reduce(count) { $0 | UInt64($1.element) << (8 * $1.offset) }
        )
    }

    public init(_ name: String) {
        self.init(Array(name.utf8))
    }

    public var bytes: [UInt8] {
        switch name {
        case .short(let word):
            (0..<Int(word >> 56)).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        case .long(let bytes): bytes
        }
    }
}

extension Peer: CustomStringConvertible {
    /// The id as text where it is printable, in hexadecimal otherwise.
    public var description: String {
        if bytes.allSatisfy({ (0x21...0x7e).contains($0) }) {
            return "peer " + String(decoding: bytes, as: UTF8.self)
        }
        return bytes.reduce(into: "peer 0x") { text, byte in
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }
}

/// A whole message: all its frames, or none.
public struct ReceivedMessage: Equatable, Sendable {
    /// Who sent it; nil on a dealer, whose one far end is known.
    public let peer: Peer?
    public let frames: [[UInt8]]
    /// The key that its connection has shown; nil where sockets take anybody.
    public let sender: PublicKey?

    public init(peer: Peer?, frames: [[UInt8]], sender: PublicKey? = nil) {
        self.peer = peer
        self.frames = frames
        self.sender = sender
    }
}
