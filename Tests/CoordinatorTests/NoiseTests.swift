import Cluster
import ClusterTesting
import Messaging
import Model
import Placement
import Testing
import Wire

/// Whatever arrives on a socket, the daemons answer or drop it and go on.
@Suite("Strangers on the sockets disturb nobody", .serialized, .timeLimit(.minutes(10)))
struct NoiseTests {
    @Test("A worker of an older protocol is refused by a text that names both versions")
    func oldWorker() async throws {
        let model = try WholeModel.demo.file.identity()
        try await Self.beside { cluster in
            let hello = try Self.hello("omega", model: model, protocolVersion: 0)
            let replies = try await RawPeer(cluster.workerEndpoint)
                .send([ControlMessage.hello(hello).encode()]) { !$0.isEmpty }
            let reply = try ControlMessage(frames: #require(replies.first))
            guard case .refusal(let refusal) = reply else {
                Issue.record("\(reply)")
                return
            }
            #expect(refusal.code == .protocolVersion)
            #expect(refusal.text.contains("speaks protocol 1"), "\(refusal.text)")
            #expect(refusal.text.contains("'omega' speaks 0"), "\(refusal.text)")
        }
    }

    @Test("A client of an older protocol is refused by a text that names both versions")
    func oldClient() async throws {
        try await Self.beside { cluster in
            let hello = ClientHello(protocolVersion: 0, build: "old")
            let replies = try await RawPeer(cluster.clientEndpoint)
                .send([ClientMessage.clientHello(hello).encode()]) { !$0.isEmpty }
            let reply = try ClientMessage(frames: #require(replies.first))
            guard case .refusal(let refusal) = reply else {
                Issue.record("\(reply)")
                return
            }
            #expect(refusal.code == .protocolVersion)
            #expect(refusal.text.contains("protocol version 0"), "\(refusal.text)")
            #expect(refusal.text.contains("1 to 1"), "\(refusal.text)")
        }
    }

    @Test("Whoever does not say hello first is told to, on both sockets")
    func wrongFirstMessage() async throws {
        try await Self.beside { cluster in
            let first = ControlMessage.loaded(Loaded(epoch: Epoch(rawValue: 1))).encode()
            let replies = try await RawPeer(cluster.workerEndpoint).send([first]) { !$0.isEmpty }
            let reply = try ControlMessage(frames: #require(replies.first))
            guard case .refusal(let refusal) = reply else {
                Issue.record("\(reply)")
                return
            }
            #expect(refusal.code == .helloExpected)

            let asked = try await RawPeer(cluster.clientEndpoint)
                .send([ClientMessage.listNodes.encode()]) { !$0.isEmpty }
            guard case .refusal(let told) = try ClientMessage(frames: #require(asked.first))
            else {
                Issue.record("\(asked)")
                return
            }
            #expect(told.code == .helloExpected)
        }
    }

    @Test("A file of another model is refused by a text that names both")
    func otherHeader() async throws {
        let tiny = try TinyModel().writeTemporary()
        let other = try ModelFile(path: tiny.path).identity()
        let mine = try WholeModel.demo.file.identity()
        try await Self.beside { cluster in
            let hello = try Self.hello("omega", model: other)
            let replies = try await RawPeer(cluster.workerEndpoint)
                .send([ControlMessage.hello(hello).encode()]) { !$0.isEmpty }
            guard case .refusal(let refusal) = try ControlMessage(frames: #require(replies.first))
            else {
                Issue.record("\(replies)")
                return
            }
            #expect(refusal.code == .model)
            for part in ["omega", "\(other)", "\(mine)"] {
                #expect(refusal.text.contains(part), "\(refusal.text)")
            }
        }
    }

    @Test("Noise on all sockets neither stops a job nor changes its tokens")
    func noise() async throws {
        let expected = try Demo.tokens(count: 64)
        try await Self.beside { cluster in
            let client = cluster.client
            try await client.status { $0.isReady }
            let endpoints = [
                cluster.workerEndpoint, cluster.clientEndpoint, cluster.dataEndpoint,
                cluster.chunkEndpoint,
            ]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, endpoint) in endpoints.enumerated() {
                    group.addTask {
                        var noise = Noise(seed: UInt64(index) + 1)
                        _ = try await RawPeer(endpoint).send(noise.messages(2000)) { _ in true }
                    }
                }
                group.addTask {
                    let ended = try await client.generate(Demo.prompt, maximumTokens: 64)
                    #expect(ended.tokens == expected, "\(ended.message)")
                }
                try await group.waitForAll()
            }
            let after = try await client.generate(Demo.prompt, maximumTokens: 64)
            #expect(after.tokens == expected, "\(after.message)")
        }
    }

    @Test("A stranger under a worker's id on the data socket cannot answer for it")
    func impostor() async throws {
        try await Self.beside { cluster in
            let client = cluster.client
            try await client.status { $0.isReady }
            let node = try #require(try await client.nodes().first)
            let life = WorkerLife(name: node.name, incarnation: node.incarnation)
            var noise = Noise(seed: 9)
            _ = try await RawPeer(cluster.dataEndpoint, routingID: life.routingID)
                .send(noise.messages(200)) { _ in true }
            // The worker takes its id back, at the latest with its next connection.
            for _ in 0..<5 {
                let ended = try await client.generate(Demo.prompt, maximumTokens: 8)
                if ended.outcome == .completed {
                    #expect(try ended.tokens == Demo.tokens(count: 8))
                    return
                }
                #expect(ended.message.contains(node.name.rawValue), "\(ended.message)")
            }
            Issue.record("no job was computed after the impostor had left")
        }
    }

    private static func beside(
        _ body: @escaping @Sendable (InProcessCluster) async throws -> Void
    ) async throws {
        try await InProcessCluster.run(.demo(["alpha", "beta"])) { cluster in
            try await body(cluster)
            // The daemons are still there.
            try await cluster.client.nodes { $0.count == 2 }
        }
    }

    private static func hello(
        _ name: String,
        model: ModelIdentity,
        protocolVersion: UInt32 = ProtocolVersion.current
    ) throws -> Hello {
        Hello(
            protocolVersion: protocolVersion,
            build: "stranger",
            name: try #require(WorkerName(rawValue: name)),
            incarnation: .unnumbered,
            model: model,
            heldEpoch: nil,
            heldExpertCount: 0,
            coreCount: 1,
            memoryByteCount: 0,
            instructionSet: "none",
            readBandwidth: 0
        )
    }
}

/// Messages that are wrong in many ways: random frames, and real ones cut, spoilt or out of place.
struct Noise {
    private var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func messages(_ count: Int) -> [[[UInt8]]] { (0..<count).map { _ in message() } }

    private mutating func message() -> [[UInt8]] {
        guard var frames = Self.genuine.randomElement(using: &random) else { return [[]] }
        switch Int.random(in: 0..<5, using: &random) {
        case 0:
            frames = (0...Int.random(in: 0...6, using: &random)).map { _ in bytes(upTo: 64) }
        case 1: frames[0] = Array(frames[0].dropLast(Int.random(in: 1...4, using: &random)))
        case 2:
            guard let place = frames[0].indices.randomElement(using: &random) else { break }
            frames[0][place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 3: frames.append(bytes(upTo: 16))
        default: break
        }
        return frames
    }

    private mutating func bytes(upTo count: Int) -> [UInt8] {
        (0..<Int.random(in: 0...count, using: &random)).map { _ in
            UInt8.random(in: .min ... .max, using: &random)
        }
    }

    /// Real messages that do no harm by themselves; on most sockets they are out of place.
    private static let genuine: [[[UInt8]]] = {
        let refused = ShareRefused(id: ShareID(rawValue: 1), attempt: 1, code: .notHeld, text: "")
        let heartbeat = Heartbeat(
            sequence: 1,
            incarnation: Incarnation(rawValue: 1),
            rowsComputed: 1,
            sharesComputed: 1,
            residentByteCount: 1
        )
        let epoch = Epoch(rawValue: 1)
        let failed = LoadFailed(epoch: epoch, code: .unreadable, text: "noise")
        return [
            ControlMessage.heartbeat(heartbeat).encode(),
            ControlMessage.loaded(Loaded(epoch: epoch)).encode(),
            ControlMessage.loadFailed(failed).encode(),
            ControlMessage.goodbye(Goodbye(reason: "noise")).encode(),
            ControlMessage.drain.encode(),
            DataMessage.shareRefused(refused).encode(),
            ClientMessage.listJobs.encode(),
            ClientMessage.cancel(Cancel(job: "job-0-0")).encode(),
        ]
    }()
}
