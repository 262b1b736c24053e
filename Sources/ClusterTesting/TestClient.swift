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

        public init(description: String) { self.description = description }
    }

    /// What a client does after a message.
    public enum Step: Sendable {
        case listen
        case send(ClientMessage)
        /// Sends after a moment.
        case ask(ClientMessage)
        case finish
    }

    /// Between two questions of a client that waits for something to become true.
    private static let pause = Duration.milliseconds(20)

    /// Says hello, sends `request`, and collects what comes back.
    ///
    /// Fails where its task is cancelled, as a test's is that takes too long.
    ///
    /// - Parameters:
    ///   - timeout: for the whole exchange; far more than it needs.
    ///   - onMessage: sees each message as it comes, on the client's thread.
    public func converse(
        _ request: ClientMessage,
        timeout: Duration = testPatience,
        onMessage: @escaping @Sendable (ClientMessage) -> Step
    ) async throws -> [ClientMessage] {
        let box = OutcomeBox()
        let line = Line(endpoint: endpoint, timeout: timeout, cancelled: try Waker())
        let thread = try NamedThread("test-client") {
            box.store(Result { try Self.converse(line, request, onMessage: onMessage) })
        }
        await withTaskCancellationHandler {
            await thread.finished()
        } onCancel: {
            line.cancelled.wake()
        }
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

    /// Whom to talk to, and until when.
    private struct Line: Sendable {
        let endpoint: String
        let timeout: Duration
        let cancelled: Waker
    }

    private static func converse(
        _ line: Line,
        _ request: ClientMessage,
        onMessage: (ClientMessage) -> Step
    ) throws -> [ClientMessage] {
        let context = try MessagingContext()
        let socket = try Socket(.dealer, in: context)
        try socket.connect(Endpoint(line.endpoint))
        guard try socket.waitUntilSendable(timeout: line.timeout) else {
            throw Failure(description: "nobody listens at \(line.endpoint)")
        }
        try socket.send(ClientMessage.clientHello(ClientHello(build: "tests")).encode())
        try socket.send(request.encode())
        var messages: [ClientMessage] = []
        var poller = Poller()
        let deadline = ContinuousClock.now + line.timeout
        while ContinuousClock.now < deadline {
            let ready = try poller.wait(
                for: [socket],
                or: line.cancelled,
                timeout: deadline - .now
            )
            guard !ready.isWoken else {
                let last = messages.last.map { "\($0)" } ?? "nothing"
                throw Failure(description: "cancelled; the last thing heard was \(last)")
            }
            while let received = try socket.receive() {
                let message = try ClientMessage(frames: received.frames)
                if case .clientWelcome = message { continue }
                messages.append(message)
                switch onMessage(message) {
                case .listen: continue
                case .send(let next): try socket.send(next.encode())
                case .ask(let next):
                    _ = try poller.wait(for: [], timeout: pause)
                    try socket.send(next.encode())
                case .finish: return messages
                }
            }
        }
        throw Failure(description: "no end within \(line.timeout) after \(messages.count) messages")
    }

    // MARK: Common exchanges

    /// Sends `request` and collects what comes back until `onMessage` says false.
    public func exchange(
        _ request: ClientMessage,
        timeout: Duration = testPatience,
        onMessage: @escaping @Sendable (ClientMessage) -> Bool
    ) async throws -> [ClientMessage] {
        try await converse(request, timeout: timeout) { onMessage($0) ? .listen : .finish }
    }

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
        return try await run(submit, onTokens: onTokens)
    }

    /// Submits a job and waits for its end.
    ///
    /// - Parameter started: fired by the first token, at the latest by the end.
    public func run(
        _ submit: Submit,
        started: Signal = Signal(),
        onTokens: @escaping @Sendable (GeneratedTokens) -> Void = { _ in }
    ) async throws -> Ended {
        defer { started.fire() }
        let messages = try await exchange(.submit(submit)) { message in
            if case .tokens(let tokens) = message {
                started.fire()
                onTokens(tokens)
            }
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

    /// Why there is no evaluation of `tokens`.
    public func evaluationFailure(of tokens: [Int32]) async throws -> String {
        let messages = try await exchange(.evaluate(Evaluate(tag: 1, tokens: tokens))) { _ in
            false
        }
        guard case .evaluationFailed(let failure) = messages.last else {
            throw Failure(description: "no failure but \(messages)")
        }
        return failure.message
    }

    public func jobs() async throws -> [JobReport] {
        let messages = try await exchange(.listJobs) { _ in false }
        guard case .jobs(let jobs) = messages.last else {
            throw Failure(description: "no jobs but \(messages)")
        }
        return jobs
    }

    /// Asks for jobs again and again until they are as wanted.
    @discardableResult
    public func jobs(
        timeout: Duration = testPatience,
        until isWanted: @escaping @Sendable ([JobReport]) -> Bool
    ) async throws -> [JobReport] {
        let messages = try await converse(.listJobs, timeout: timeout) { message in
            guard case .jobs(let jobs) = message else { return .listen }
            return isWanted(jobs) ? .finish : .ask(.listJobs)
        }
        guard case .jobs(let jobs) = messages.last else { return [] }
        return jobs
    }

    /// Asks for nodes again and again until they are as wanted.
    @discardableResult
    public func nodes(
        timeout: Duration = testPatience,
        until isWanted: @escaping @Sendable ([NodeReport]) -> Bool
    ) async throws -> [NodeReport] {
        let messages = try await converse(.listNodes, timeout: timeout) { message in
            guard case .nodes(let nodes) = message else { return .listen }
            return isWanted(nodes) ? .finish : .ask(.listNodes)
        }
        guard case .nodes(let nodes) = messages.last else { return [] }
        return nodes
    }

    /// Asks for the status again and again until it is as wanted.
    @discardableResult
    public func status(
        timeout: Duration = testPatience,
        until isWanted: @escaping @Sendable (StatusReport) -> Bool
    ) async throws -> StatusReport {
        let messages = try await converse(.getStatus, timeout: timeout) { message in
            guard case .status(let status) = message else { return .listen }
            return isWanted(status) ? .finish : .ask(.getStatus)
        }
        guard case .status(let status) = messages.last else {
            throw Failure(description: "no status")
        }
        return status
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
