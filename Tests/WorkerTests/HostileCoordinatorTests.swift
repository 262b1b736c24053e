import Cluster
import ClusterTesting
import Model
import Placement
import Tensors
import Testing
import Wire

/// A worker survives whatever a coordinator says, counts it, and goes on computing.
@Suite("Wrong frames from a coordinator are dropped and counted", .timeLimit(.minutes(10)))
struct HostileCoordinatorTests {
    private static let expert = ExpertID(layer: LayerIndex(0), index: 0)

    @Test("On the control connection, before and after the welcome")
    func control() async throws {
        let tiny = try TinyModel().writeTemporary()
        let model = try ModelFile(path: tiny.path)
        try await besideWorker(tiny.path) { coordinator in
            try coordinator.awaitHello()
            let wrong = Self.wrongControl
            for frames in wrong { try coordinator.sendControl(frames) }
            try coordinator.assign([Self.expert], of: model)
            for frames in wrong + Self.lyingControl { try coordinator.sendControl(frames) }
            try coordinator.heartbeat { heartbeat in
                heartbeat.drops[.malformed] > 0 && heartbeat.drops[.oversize] == 2
                    && heartbeat.drops[.unexpected] > 0
            }
            try Self.expectComputes(coordinator)
        }
    }

    @Test("On the data connection, between shares that are computed")
    func data() async throws {
        let tiny = try TinyModel().writeTemporary()
        let model = try ModelFile(path: tiny.path)
        try await besideWorker(tiny.path) { coordinator in
            try coordinator.assign([Self.expert], of: model)
            try Self.expectComputes(coordinator)
            let share = Self.share(coordinator.nextShareID())
            let genuine = DataMessage.share(share).encode()
            var random = SeededRandom(seed: 4)
            let others = DataMessage.all(using: &random).dropFirst(2).map { $0.encode() }
            for frames in WrongFrames.everywhere(like: genuine).map(\.frames) + others {
                try coordinator.send(frames)
                try Self.expectComputes(coordinator)
            }
            try coordinator.send(genuine)
            try coordinator.send(genuine)
            _ = try coordinator.answer()
            try coordinator.heartbeat { heartbeat in
                heartbeat.drops[.malformed] > 0 && heartbeat.drops[.oversize] == 1
                    && heartbeat.drops[.unexpected] == 2 && heartbeat.drops[.duplicate] == 1
            }
        }
    }

    @Test("A share with unknown fields is computed: the protocol may grow")
    func unknownFields() async throws {
        let tiny = try TinyModel().writeTemporary()
        let model = try ModelFile(path: tiny.path)
        try await besideWorker(tiny.path) { coordinator in
            try coordinator.assign([Self.expert], of: model)
            let share = Self.share(coordinator.nextShareID())
            try coordinator.send(WrongFrames.padded(DataMessage.share(share).encode()))
            guard case .partialRows(let rows) = try coordinator.answer() else {
                Issue.record("it was not computed")
                return
            }
            #expect(rows.header.id == share.header.id)
        }
    }

    @Test("A share whose answer would fit no frame is refused before it is computed")
    func hugeAnswer() async throws {
        var tiny = TinyModel()
        tiny.hiddenSize = 1024
        let file = try tiny.writeTemporary()
        let model = try ModelFile(path: file.path)
        try await besideWorker(file.path) { coordinator in
            try coordinator.assign([Self.expert], of: model)
            let share = Self.share(
                coordinator.nextShareID(),
                rowCount: WireLimits().rowCount,
                width: 1024
            )
            try coordinator.send(DataMessage.share(share).encode())
            guard case .shareRefused(let refusal) = try coordinator.answer() else {
                Issue.record("it was computed")
                return
            }
            #expect(refusal.code == .malformed)
            #expect(refusal.text.contains("would exceed"), "\(refusal.text)")
        }
    }

    @Test("A welcome to an unknown protocol is no welcome")
    func foreignWelcome() async throws {
        let tiny = try TinyModel().writeTemporary()
        try await besideWorker(tiny.path) { coordinator in
            try coordinator.awaitHello()
            var welcome = Self.welcome(intervals: .seconds(1))
            welcome.protocolVersion = 99
            try coordinator.sendControl(ControlMessage.welcome(welcome).encode())
            // It has not joined, so it says hello again when asked; too early it is not heard.
            let question = Refusal(code: .helloExpected, text: "say hello")
            repeat {
                try coordinator.sendControl(ControlMessage.refusal(question).encode())
            } while try !coordinator.hearsHello(within: .milliseconds(50))
        }
    }

    // MARK: Messages

    private static func expectComputes(_ coordinator: ScriptedCoordinator) throws {
        let share = share(coordinator.nextShareID())
        try coordinator.send(DataMessage.share(share).encode())
        while true {
            guard case .partialRows(let rows) = try coordinator.answer() else { continue }
            #expect(rows.header.id == share.header.id)
            return
        }
    }

    private static func share(_ id: ShareID, rowCount: Int = 1, width: Int = 64) -> Share {
        let count = rowCount * width
        return Share(
            id: id,
            attempt: 1,
            epoch: Epoch(rawValue: 1),
            layer: expert.layer,
            activations: Activations(
                quants: Array(repeating: 1, count: count),
                scales: Array(repeating: 1, count: count / Activations.blockLength),
                width: width
            ),
            pairRows: [0],
            pairExperts: [0],
            pairWeights: [1]
        )
    }

    private static func welcome(intervals: Duration) -> Welcome {
        Welcome(
            build: "scripted",
            incarnation: Incarnation(rawValue: 7),
            dataEndpoint: "ipc:///nonexistent/\(intervals)",
            heartbeatInterval: intervals,
            silenceLimit: intervals
        )
    }

    private static let wrongControl = WrongFrames.everywhere(
        like: ControlMessage.heartbeatReply(HeartbeatReply(sequence: 1)).encode()
    ).map(\.frames)

    /// Well formed, but lies or out of place; none of them says to leave.
    private static let lyingControl: [[[UInt8]]] = {
        var random = SeededRandom(seed: 5)
        let far = ExpertID(layer: LayerIndex(200), index: 4000)
        let none = ExpertDigest(bytes: random.digest())
        let messages: [ControlMessage] = [
            .hello(.random(using: &random)),
            .loaded(Loaded(epoch: Epoch(rawValue: 1))),
            .heartbeatReply(HeartbeatReply(sequence: .max)),
            .goodbye(Goodbye(reason: "still here")),
            .assignment(
                Assignment(epoch: Epoch(rawValue: 0), experts: [ExpertSlice(far)], digests: [none])
            ),
            .assignment(
                Assignment(
                    epoch: Epoch(rawValue: 0),
                    experts: Array(repeating: ExpertSlice(expert), count: 1000),
                    digests: Array(repeating: none, count: 1000)
                )
            ),
        ]
        return messages.map { $0.encode() }
    }()
}
