/// Decides which keys may connect to the sockets of one context: ZeroMQ's authentication protocol
/// (ZAP, RFC 27), on a thread of its own.
public final class Doorkeeper: Sendable {
    /// Somebody who was not let in.
    public struct Refusal: Sendable {
        /// The address that it came from.
        public let address: String
        public let door: String
        /// Nil where it showed none.
        public let key: PublicKey?
        public let reason: String
    }

    private enum Command: Sendable { case stop }

    private let inbox: Mailbox<Command>
    private let thread: NamedThread

    private static let endpoint = "inproc://zeromq.zap.01"
    /// Connections that may wait for an answer.
    private static let queueLength = 1 << 12

    /// Begins to answer; sockets that ask must be made after this.
    ///
    /// - Parameter onRefusal: called on the doorkeeper's thread.
    public init(
        of context: MessagingContext,
        keys: AllowedKeys,
        onRefusal: @escaping @Sendable (Refusal) -> Void
    ) throws(MessagingError) {
        let inbox = try Mailbox<Command>(limit: 1)
        self.inbox = inbox
        var options = SocketOptions()
        options.limits = MessagingLimits(
            queuedMessageCount: Self.queueLength,
            receivedMessageCount: Self.queueLength
        )
        let socket = try Socket(.router, in: context, options: options)
        _ = try socket.bind(Endpoint(Self.endpoint))
        thread = try NamedThread("moiety-keys") {
            var poller = Poller()
            while inbox.takeAll().isEmpty {
                do throws(MessagingError) {
                    _ = try poller.wait(for: [socket], or: inbox.waker, timeout: nil)
                    while let message = try socket.receive() {
                        Self.answer(message, over: socket, keys, onRefusal)
                    }
                } catch {
                    // Who gets no answer is not let in.
                    return
                }
            }
        }
    }

    deinit { _ = inbox.post(.stop) }

    /// Ends the thread, so that the context can end; nobody is let in any more.
    public func stop() {
        _ = inbox.post(.stop)
        thread.join()
    }

    private static func answer(
        _ message: ReceivedMessage,
        over socket: Socket,
        _ keys: AllowedKeys,
        _ onRefusal: (Refusal) -> Void
    ) {
        guard let peer = message.peer, let request = AccessRequest(message.frames) else { return }
        let verdict = request.verdict(keys)
        do throws(MessagingError) {
            try socket.send(request.reply(verdict), to: peer)
        } catch {
            return
        }
        guard case .refused(let reason) = verdict else { return }
        onRefusal(
            Refusal(
                address: request.address,
                door: request.domain,
                key: request.key,
                reason: reason
            )
        )
    }
}

/// One question of the library: whether a connection may stand.
struct AccessRequest {
    enum Verdict: Equatable {
        case allowed(PublicKey)
        case refused(String)
    }

    let address: String
    let domain: String
    /// Nil where the connection shows none.
    let key: PublicKey?
    private let id: [UInt8]

    private static let version = Array("1.0".utf8)

    /// Reads a request, or nil where it is none.
    ///
    /// An empty frame, version, id, domain, address, routing id, mechanism; the key for CURVE.
    init?(_ frames: [[UInt8]]) {
        guard frames.count >= 7, frames[0].isEmpty, frames[1] == Self.version else { return nil }
        id = frames[2]
        domain = String(decoding: frames[3], as: UTF8.self)
        address = String(decoding: frames[4], as: UTF8.self)
        let isCurve = frames[6] == Array("CURVE".utf8) && frames.count == 8
        key = isCurve ? PublicKey(bytes: frames[7]) : nil
    }

    func verdict(_ keys: AllowedKeys) -> Verdict {
        guard let door = SocketSecurity.Door(rawValue: domain) else {
            return .refused("there is no such door")
        }
        guard let key else { return .refused("it shows no key") }
        guard let entry = keys.entry(of: key) else { return .refused("its key is not listed") }
        guard door.roles.contains(entry.role) else {
            return .refused("'\(entry.name)' is listed as \(entry.role.rawValue)")
        }
        return .allowed(key)
    }

    /// Empty frame, version, id, status, reason, the key as the user's name, no metadata.
    func reply(_ verdict: Verdict) -> [[UInt8]] {
        let (status, text, user) =
            switch verdict {
            case .allowed(let key): ("200", "OK", key.description)
            case .refused(let reason): ("400", reason, "")
            }
        return [[], Self.version, id, Array(status.utf8), Array(text.utf8), Array(user.utf8), []]
    }
}
