import Cluster
import ClusterTesting
import Kernels
import Logging
import Messaging
import Model
import Placement
import Settings
import Testing
import Wire
import Worker

/// What the loop thread of a lossy worker asks of the step thread around its loads.
@Suite("Memory that hot experts lend to a load", .timeLimit(.minutes(10)))
struct LoadRoomTests {
    /// What a coordinator said; what it is told is forgotten.
    private final class Line: MessageSocket {
        var messages: [ControlMessage]

        init(_ messages: [ControlMessage]) { self.messages = messages }

        func send(_ frames: [[UInt8]], to peer: Peer?) {}

        func receive() -> ReceivedMessage? {
            guard !messages.isEmpty else { return nil }
            return ReceivedMessage(peer: nil, frames: messages.removeFirst().encode())
        }
    }

    private final class Load: ExpertLoad {
        let id: LoadID

        init(_ id: LoadID) { self.id = id }

        func cancel() {}
    }

    /// What loads were started with.
    private final class Orders {
        var all: [LoadOrder] = []
    }

    private let model: ModelFile
    private let orders: Orders
    private let line: Line
    private let steps: Mailbox<StepCommand>
    private let inbox: Mailbox<LoopCommand>
    private let loop: ControlLoop

    init() throws {
        let model = try WholeModel.demo.file
        let settings = try WorkerSettings.load(
            commandLine: [
                "worker.model": WholeModel.demoPath, "worker.memory": "1GB",
                "worker.lossy": "resident",
            ],
            surroundings: Surroundings(
                variables: ["HOME": "/nonexistent"],
                userIsRoot: false,
                hostName: "tests"
            )
        )
        let machine = Machine(
            name: try #require(WorkerName(rawValue: "alpha")),
            model: model,
            identity: try model.identity(),
            instructionSet: .detected,
            coordinator: try Endpoint("ipc:///nonexistent/workers"),
            budget: settings.memoryBudget,
            lossy: settings.lossy
        )
        let line = Line([.welcome(Self.welcome), .manifest(try Self.manifest(of: model))])
        let steps = try Mailbox<StepCommand>(limit: StepCommand.queueLimit)
        let inbox = try Mailbox<LoopCommand>(limit: LoopCommand.queueLimit)
        let orders = Orders()
        loop = ControlLoop(
            machine: machine,
            surroundings: ControlLoop.Surroundings(
                clock: LoopClock { Instant(nanoseconds: 0) },
                seed: 1,
                dial: { _, _ in line },
                startLoad: { order in
                    orders.all.append(order)
                    return Load(order.id)
                }
            ),
            steps: steps,
            inbox: inbox,
            logger: Logger(label: "worker") { _ in SwiftLogNoOpLogHandler() }
        )
        self.model = model
        self.orders = orders
        self.line = line
        self.steps = steps
        self.inbox = inbox
    }

    private static let welcome = Welcome(
        build: "scripted",
        incarnation: Incarnation(rawValue: 7),
        dataEndpoint: "ipc:///nonexistent/shares",
        heartbeatInterval: .seconds(100),
        silenceLimit: .seconds(1000)
    )

    private static func manifest(of model: ModelFile) throws -> Manifest {
        Manifest(
            modelName: model.description.name,
            architecture: model.description.architecture.name,
            model: try model.identity(),
            layerCount: model.description.layerCount,
            expertCount: model.description.expertCount,
            hiddenSize: model.description.hiddenSize
        )
    }

    private func assign(_ parts: [ExpertSlice], epoch: UInt64) throws {
        line.messages.append(
            .assignment(
                Assignment(
                    epoch: Epoch(rawValue: epoch),
                    experts: parts,
                    digests: try parts.map { ExpertDigest(of: try model.expert($0.expert)) }
                )
            )
        )
    }

    /// What the step thread is told of memory: for how many experts to make room, nil where it
    /// computes with what it has.
    private func news() throws -> [Int?] {
        try loop.turn()
        return steps.takeAll().compactMap { command -> Int?? in
            switch command {
            case .makeRoom(let id, let count):
                _ = inbox.post(.hasRoom(id))
                return .some(count)
            case .install(let held, nil) where held.count == 0: return .some(nil)
            default: return nil
            }
        }
    }

    private let parts = (0..<3).map { ExpertSlice(ExpertID(layer: LayerIndex(0), index: $0)) }

    @Test("After a load that failed they have it again")
    func failed() throws {
        try assign(parts, epoch: 1)
        #expect(try news() == [3])
        #expect(try news() == [])
        let order = try #require(orders.all.first)
        #expect(order.experts.count == 3 && order.shardByteCount == 0)
        _ = inbox.post(.loadFailed(order.id, .outOfMemory, "there is none"))
        #expect(try news() == [nil])
    }

    @Test("After a load that was overtaken they have it again, until the next one needs it")
    func cancelled() throws {
        // Before there was room, and then while it is under way.
        try assign(parts, epoch: 1)
        try assign([], epoch: 2)
        #expect(try news() == [3, nil])
        #expect(try news() == [] && orders.all.isEmpty)
        try assign(Array(parts.prefix(2)), epoch: 3)
        #expect(try news() == [2])
        #expect(try news() == [] && orders.all.count == 1)
        try assign(Array(parts.prefix(1)), epoch: 4)
        #expect(try news() == [nil, 1])
    }

    @Test("A load is told what all shards take, those that are missing included")
    func shards() throws {
        let half = ExpertSlice(parts[0].expert, dimensions: 0..<128)
        try assign([half, parts[1]], epoch: 1)
        _ = try news()
        _ = try news()
        let order = try #require(orders.all.first)
        #expect(order.shardByteCount == model.byteCount(of: half))
        #expect(order.shardByteCount > 0)
    }
}
