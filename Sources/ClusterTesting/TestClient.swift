import Foundation
import Messaging
import Synchronization
public import Wire

/// A client that does one exchange at a time, on a thread and a connection of its own.
public struct TestClient: Sendable {
    private let endpoint: String

    public init(_ cluster: InProcessCluster) { endpoint = cluster.clientEndpoint }
    public init(endpoint: String) { self.endpoint = endpoint }

    /// What went wrong with an exchange.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// Says hello, sends `request`, and collects what comes back.
    ///
    /// - Parameters:
    ///   - timeout: for the whole exchange; far more than it needs.
    ///   - onMessage: sees each message as it comes, on the client's thread; false ends the
    ///     exchange.
    public func exchange(
        _ request: ClientMessage,
        timeout: Duration = .seconds(120),
        onMessage: @escaping @Sendable (ClientMessage) -> Bool
    ) async throws -> [ClientMessage] {
        let box = OutcomeBox()
        let endpoint = endpoint
        let thread = try NamedThread("test-client") {
            box.store(
                Result {
                    try Self.converse(endpoint, request, timeout: timeout, onMessage: onMessage)
                }
            )
        }
        await thread.finished()
        return try box.value.get()
    }

    private final class OutcomeBox: Sendable {
        private let outcome = Mutex<Result<[ClientMessage], any Error>?>(nil)

        func store(_ result: Result<[ClientMessage], any Error>) {
            outcome.withLock { $0 = result }
        }

        var value: Result<[ClientMessage], any Error> {
            outcome.withLock { $0 } ?? .failure(Failure(description: "the client never ran"))
        }
    }

    private static func converse(
        _ endpoint: String,
        _ request: ClientMessage,
        timeout: Duration,
        onMessage: (ClientMessage) -> Bool
    ) throws -> [ClientMessage] {
        let context = try MessagingContext()
        let socket = try Socket(.dealer, in: context)
        try socket.connect(Endpoint(endpoint))
        guard try socket.waitUntilSendable(timeout: timeout) else {
            throw Failure(description: "nobody listens at \(endpoint)")
        }
        try socket.send(ClientMessage.clientHello(ClientHello(build: "tests")).encode())
        try socket.send(request.encode())
        var messages: [ClientMessage] = []
        var poller = Poller()
        let deadline = ContinuousClock.now + timeout
        while ContinuousClock.now < deadline {
            _ = try poller.wait(for: [socket], timeout: deadline - .now)
            while let received = try socket.receive() {
                let message = try ClientMessage(frames: received.frames)
                if case .clientWelcome = message { continue }
                messages.append(message)
                if !onMessage(message) { return messages }
            }
        }
        throw Failure(description: "no end within \(timeout) after \(messages.count) messages")
    }

    // MARK: Common exchanges

    /// Generates greedily and waits for the end.
    public func generate(
        _ prompt: String,
        maximumTokens: Int,
        onTokens: @escaping @Sendable (GeneratedTokens) -> Void = { _ in }
    ) async throws -> Ended {
        let submit = Submit(
            tag: 1,
            prompt: prompt,
            maximumTokens: maximumTokens,
            sampling: SamplingRequest(temperature: 0)
        )
        let messages = try await exchange(.submit(submit)) { message in
            if case .tokens(let tokens) = message { onTokens(tokens) }
            if case .ended = message { return false }
            return true
        }
        guard case .ended(let ended) = messages.last else {
            throw Failure(description: "the job never ended")
        }
        return ended
    }

    /// Log-probabilities and the largest logits of given tokens.
    public func evaluate(_ tokens: [Int32], top: Int) async throws -> EvaluationReply {
        let messages = try await exchange(
            .evaluate(Evaluate(tag: 1, tokens: tokens, top: top, scoreFrom: 0))
        ) { message in
            switch message {
            case .evaluation, .evaluationFailed, .refusal: false
            default: true
            }
        }
        guard case .evaluation(let reply) = messages.last else {
            throw Failure(description: "no evaluation but \(messages)")
        }
        return reply
    }

    public func nodes() async throws -> [NodeReport] {
        let messages = try await exchange(.listNodes) { _ in false }
        guard case .nodes(let nodes) = messages.last else {
            throw Failure(description: "no nodes but \(messages)")
        }
        return nodes
    }

    public func status() async throws -> StatusReport {
        let messages = try await exchange(.getStatus) { _ in false }
        guard case .status(let status) = messages.last else {
            throw Failure(description: "no status but \(messages)")
        }
        return status
    }
}
