import Cluster
import Messaging
import Wire

/// One client's conversation with a coordinator.
///
/// Belongs to the command's own task. Waiting polls the socket, which is all a command does
/// meanwhile; Ctrl-C is handled on another thread and may wake the wait.
final class ClusterClient {
    /// How long a coordinator may take to answer before it counts as absent.
    private static let patience: Duration = .seconds(5)
    /// Silence after which it is asked whether it still lives.
    private static let pingInterval: Duration = .seconds(1)

    let endpoint: Endpoint
    /// What the cluster serves.
    private(set) var modelName = ""
    private let socket: Socket
    private let hasKeys: Bool
    private let waker: Waker
    private var poller = Poller()
    private var lastTag: UInt64 = 0

    /// Connects and says hello.
    ///
    /// - Parameter waker: ends a wait early; see `receive`.
    init(_ address: String, keys: KeyOptions, waker: Waker) throws {
        endpoint = try Self.endpoint(address)
        self.waker = waker
        var options = SocketOptions()
        // A cancellation may be the last thing said.
        options.linger = .seconds(1)
        options.security = try keys.security()
        hasKeys = options.security != nil
        socket = try Socket(.dealer, in: MessagingContext(), options: options)
        try socket.connect(endpoint)
        guard try socket.waitUntilSendable(timeout: Self.patience) else { throw unreachable }
        let reply = try ask(.clientHello(ClientHello(build: Build.name)))
        guard case .clientWelcome(let welcome) = reply else { throw unexpected(reply) }
        modelName = welcome.modelName
        let spoken = ProtocolVersion.supported
        guard spoken.contains(welcome.protocolVersion) else {
            throw CommandFailure(
                "the coordinator at \(endpoint) speaks protocol version "
                    + "\(welcome.protocolVersion), this command \(spoken.lowerBound) to "
                    + "\(spoken.upperBound); install the same release",
                code: CommandFailure.unreachable
            )
        }
    }

    private static func endpoint(_ address: String) throws -> Endpoint {
        do {
            return try Endpoint(address)
        } catch {
            throw CommandFailure("\(error)", code: CommandFailure.wrongArguments)
        }
    }

    /// A number for the next request.
    func nextTag() -> UInt64 {
        lastTag += 1
        return lastTag
    }

    func send(_ message: ClientMessage) throws {
        do {
            try socket.send(message.encode())
        } catch MessagingError.queueFull {
            throw stoppedAnswering
        }
    }

    /// The answer to a question that is answered at once.
    func ask(_ question: ClientMessage) throws -> ClientMessage {
        try send(question)
        guard let reply = try next(within: Self.patience, wakes: false) else { throw unreachable }
        return reply
    }

    /// The next message, however long it takes while the coordinator lives.
    ///
    /// A coordinator that says nothing is asked for its status now and then; statuses are not
    /// passed on.
    ///
    /// - Parameter end: when to come back without one.
    /// - Returns: nil when the waker was woken, or the time has come; `isWoken` tells which.
    func receive(until end: ContinuousClock.Instant? = nil) throws -> ClientMessage? {
        var silence: Duration = .zero
        while silence < Self.patience {
            let start = ContinuousClock.now
            if let end, end <= start { return nil }
            let time = end.map { min($0 - start, Self.pingInterval) } ?? Self.pingInterval
            switch try next(within: time, wakes: true) {
            case .status: silence = .zero
            case let message?: return message
            case nil:
                if isWoken { return nil }
                silence += ContinuousClock.now - start
                if silence < Self.patience { try send(.getStatus) }
            }
        }
        throw stoppedAnswering
    }

    /// Whether the last wait was ended by the waker.
    private(set) var isWoken = false

    /// - Returns: nil when time was up or the waker was woken.
    private func next(within time: Duration, wakes: Bool) throws -> ClientMessage? {
        isWoken = false
        if let message = try socket.receive() { return try checked(message) }
        let ready = try poller.wait(for: [socket], or: wakes ? waker : nil, timeout: time)
        isWoken = ready.isWoken
        if isWoken { waker.clear() }
        return try socket.receive().map(checked)
    }

    private func checked(_ received: ReceivedMessage) throws -> ClientMessage {
        let message = try ClientMessage(frames: received.frames)
        if case .refusal(let refusal) = message {
            // Another life of the coordinator has taken its place: this line belongs to the former.
            if refusal.code == .helloExpected { throw stoppedAnswering }
            throw CommandFailure("the coordinator at \(endpoint) refused: \(refusal.text)")
        }
        return message
    }

    func unexpected(_ message: ClientMessage) -> CommandFailure {
        CommandFailure("the coordinator at \(endpoint) answered something else: \(message)")
    }

    private var unreachable: CommandFailure {
        CommandFailure(
            "no coordinator answers at \(endpoint); start a cluster with 'moiety serve -m FILE', "
                + "or name another with --coordinator or MOIETY_COORDINATOR"
                + (hasKeys
                    ? "; or it does not know this key, or has another than --coordinator-key says"
                    : "; one that asks for keys wants --key-file and --coordinator-key"),
            code: CommandFailure.unreachable
        )
    }

    private var stoppedAnswering: CommandFailure {
        CommandFailure(
            "the coordinator at \(endpoint) stopped answering; its log says why, and "
                + "'moiety status' whether it is back",
            code: CommandFailure.unreachable
        )
    }
}
