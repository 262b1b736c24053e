import Cluster
import ClusterTesting
import Messaging
import Model
import Placement
import Testing
import Wire

/// Every socket of a coordinator, and everything that may be wrong with what comes to it.
///
/// The peer and the sockets are real; a job runs meanwhile, and its tokens must be right.
@Suite("Wrong frames are dropped, counted and told", .serialized, .timeLimit(.minutes(10)))
struct HostileFramesTests {
    @Test("On the workers' socket")
    func workers() async throws {
        let messages = Self.wrong(like: .loaded(Loaded(epoch: Epoch(rawValue: 1)))) + Self.control
        try await Self.send(messages, to: "workers", at: { $0.workerEndpoint }) { drops in
            drops[.malformed] > 0 && drops[.oversize] > 0 && drops[.unknownPeer] > 0
                && drops[.unexpected] == 14 && drops[.refusedHello] > 0
        }
    }

    @Test("On the data socket, from a stranger")
    func shares() async throws {
        try await Self.send(Self.data, to: "shares", at: { $0.dataEndpoint }) { drops in
            drops[.malformed] > 0 && drops[.oversize] > 0 && drops[.unknownPeer] > 0
        }
    }

    @Test("On the chunks' socket")
    func chunks() async throws {
        try await Self.send(Self.chunk, to: "chunks", at: { $0.chunkEndpoint }) { drops in
            drops[.malformed] > 0 && drops[.oversize] > 0 && drops[.unexpected] > 0
        }
    }

    @Test("On the clients' socket, before a hello")
    func strangers() async throws {
        let messages = Self.wrong(like: .getStatus) + Self.client
        try await Self.send(messages, to: "clients", at: { $0.clientEndpoint }) { drops in
            drops[.malformed] > 0 && drops[.oversize] > 0 && drops[.unknownPeer] > 0
                && drops[.refusedHello] == 6
        }
    }

    @Test("On the clients' socket, after a hello: the connection goes on")
    func greeted() async throws {
        let hello = ClientMessage.clientHello(ClientHello(build: "rude")).encode()
        let messages = [hello] + Self.wrong(like: .getStatus) + Self.client
        try await Self.send(messages, to: "clients", at: { $0.clientEndpoint }) { drops in
            drops[.malformed] > 0 && drops[.unexpected] > 0 && drops[.unknownPeer] == 0
        }
    }

    @Test("A client's hello may be said again, and its questions are answered after every mistake")
    func answered() async throws {
        try await InProcessCluster.run(.demo(["alpha", "beta"])) { cluster in
            let hello = ClientMessage.clientHello(ClientHello(build: "rude")).encode()
            let question = ClientMessage.getStatus.encode()
            let wrong = Self.wrong(like: .getStatus)
            let messages = wrong.flatMap { [hello, $0, question] }
            let answers = try await RawPeer(cluster.clientEndpoint).send(messages) { replies in
                replies.count { Self.isStatus($0) } == wrong.count
            }
            let refusals = answers.count { frames in
                guard case .refusal(let refusal)? = try? ClientMessage(frames: frames) else {
                    return false
                }
                return refusal.code == .malformed && !refusal.text.isEmpty
            }
            // The one with too many frames is dropped unread, and answered by nothing.
            #expect(refusals == wrong.count - 1)
        }
    }

    @Test("A worker whose every answer comes with wrong frames around it changes no token")
    func rudeWorker() async throws {
        let model = try WholeModel.demo
        let expected = try Demo.tokens(count: 12)
        let name = try #require(WorkerName(rawValue: "beta"))
        let identity = try model.file.identity()
        try await InProcessCluster.prepare(.demo(["alpha", "beta"])) { cluster in
            try await cluster.running(cluster.daemons(leavingOut: 1)) {
                let worker = ScriptedWorker(name, of: identity, in: cluster) { share in
                    guard let right = try? share.computed(by: model) else { return .say([]) }
                    let answer = DataMessage.partialRows(right).encode()
                    let wrong = WrongFrames.everywhere(like: answer).map(\.frames)
                        .filter { $0.count <= 8 }
                    return .say(wrong + Self.lies(about: share, right) + [answer, answer])
                }
                try await worker.running {
                    let ended = try await cluster.client.generate(Demo.prompt, maximumTokens: 12)
                    #expect(ended.tokens == expected, "\(ended.message)")
                    try await Self.wait(for: "shares", of: cluster) { drops in
                        drops[.duplicate] + drops[.late] > 0 && drops[.malformed] > 0
                            && drops[.unknownShare] > 0 && drops[.staleEpoch] > 0
                    }
                }
            }
        }
    }

    // MARK: Steps

    /// Sends messages beside a job, whose tokens must be right, as those of the job after it, and
    /// waits until the socket of that name has counted them.
    private static func send(
        _ messages: [[[UInt8]]],
        to socket: String,
        at endpoint: @escaping @Sendable (InProcessCluster) -> String,
        counts isCounted: @escaping @Sendable (DropCounts) -> Bool
    ) async throws {
        let expected = try Demo.tokens(count: 24)
        try await InProcessCluster.run(.demo(["alpha", "beta"])) { cluster in
            try await cluster.client.status { $0.isReady }
            async let ended = cluster.client.generate(Demo.prompt, maximumTokens: 24)
            // Twice: what was said before is said again.
            _ = try await RawPeer(endpoint(cluster)).send(messages + messages) { _ in
                true
            }
            #expect(try await ended.tokens == expected)
            try await wait(for: socket, of: cluster, until: isCounted)
            let after = try await cluster.client.generate(Demo.prompt, maximumTokens: 24)
            #expect(after.tokens == expected, "\(after.message)")
        }
    }

    private static func wait(
        for socket: String,
        of cluster: InProcessCluster,
        until isCounted: @escaping @Sendable (DropCounts) -> Bool
    ) async throws {
        try await cluster.client.status { status in
            status.sockets.contains { $0.name == socket && isCounted($0.drops) }
        }
    }

    private static func isStatus(_ frames: [[UInt8]]) -> Bool {
        guard case .status? = try? ClientMessage(frames: frames) else { return false }
        return true
    }

    // MARK: Messages

    private static func wrong(like message: ControlMessage) -> [[[UInt8]]] {
        WrongFrames.everywhere(like: message.encode()).map(\.frames)
    }

    private static func wrong(like message: ClientMessage) -> [[[UInt8]]] {
        WrongFrames.everywhere(like: message.encode()).map(\.frames)
    }

    /// Well formed, but out of place, out of time, or lies.
    private static let control: [[[UInt8]]] = {
        var random = SeededRandom(seed: 1)
        var hellos = (0..<3).map { _ in Hello.random(using: &random) }
        hellos[0].protocolVersion = 99
        hellos[1].role = .client
        hellos[2].heldExpertCount = WireLimits().expertCount
        let last = Epoch(rawValue: .max)
        let others = ControlMessage.all(using: &random).filter { message in
            if case .hello = message { false } else { true }
        }
        let messages: [ControlMessage] =
            [
                .loaded(Loaded(epoch: last)),
                .loadProgress(
                    LoadProgress(epoch: last, loadedByteCount: .max, totalByteCount: 1)
                ),
            ] + others + hellos.map { .hello($0) } + others.suffix(3)
        return messages.map { $0.encode() }
    }()

    private static let data: [[[UInt8]]] = {
        var random = SeededRandom(seed: 2)
        return DataMessage.all(using: &random).map { $0.encode() }.flatMap { frames in
            [frames] + WrongFrames.everywhere(like: frames).map(\.frames)
        }
    }()

    private static let chunk: [[[UInt8]]] = {
        var random = SeededRandom(seed: 4)
        return ChunkMessage.all(using: &random).map { $0.encode() }.flatMap { frames in
            [frames] + WrongFrames.everywhere(like: frames).map(\.frames)
        }
    }()

    private static let client: [[[UInt8]]] = {
        var random = SeededRandom(seed: 3)
        var hello = ClientHello(protocolVersion: 99, build: "")
        var messages: [ClientMessage] = [.clientHello(hello)]
        hello.protocolVersion = 0
        messages.append(.clientHello(hello))
        messages.append(.clientHello(ClientHello(build: "", role: .worker)))
        messages += ClientMessage.all(using: &random).filter { message in
            switch message {
            // These would be served.
            case .clientHello, .submit, .evaluate: false
            default: true
            }
        }
        messages.append(.cancel(Cancel(job: String(repeating: "j", count: 16 << 10))))
        messages.append(
            .evaluate(Evaluate(tag: 1, tokens: [.min, .max], top: .max, scoreFrom: .max))
        )
        return messages.map { $0.encode() }
    }()

    /// Answers of the right form to another share, epoch, attempt.
    private static func lies(about share: Share, _ right: PartialRows) -> [[[UInt8]]] {
        let values = right.values
        let width = right.header.width
        return [
            share.answer(id: ShareID(rawValue: .max), values: values, width: width),
            share.answer(epoch: Epoch(rawValue: .max), values: values, width: width),
            share.answer(attempt: .max, values: values, width: width),
        ].map { DataMessage.partialRows($0).encode() }
    }
}
