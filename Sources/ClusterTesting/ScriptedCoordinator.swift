public import Cluster
import Messaging
public import Model
import Placement
public import Wire

/// A coordinator that gives one worker experts and then sends whatever frames a test wants.
public final class ScriptedCoordinator {
    private let control: Socket
    private let data: Socket
    private let dataEndpoint: Endpoint
    private var poller = Poller()
    private var peer: Peer?
    private var shareID: UInt64 = 0

    private static let name = "worker"
    private static let incarnation = Incarnation(rawValue: 7)
    private static let patience = testPatience

    /// Binds below `directory`.
    public init(directory: String) throws {
        let context = try MessagingContext()
        var options = SocketOptions()
        // It may say what no coordinator says.
        options.limits = MessagingLimits(frameCount: 64)
        control = try Socket(.router, in: context, options: options)
        data = try Socket(.router, in: context, options: options)
        try control.bind(Endpoint("ipc://\(directory)/workers"))
        dataEndpoint = try data.bind(Endpoint("ipc://\(directory)/shares"))
    }

    /// Takes the worker in and has it load `experts`.
    public func assign(_ experts: [ExpertID], of model: ModelFile) throws {
        while true {
            switch try nextControl() {
            case .hello:
                try send(
                    .welcome(
                        Welcome(
                            build: "scripted",
                            incarnation: Self.incarnation,
                            dataEndpoint: "\(dataEndpoint)",
                            heartbeatInterval: .milliseconds(100),
                            silenceLimit: .seconds(120)
                        )
                    )
                )
                try send(.manifest(manifest(of: model)))
                try sendAssignment(of: experts, epoch: 1, of: model)
            case .loaded: return
            default: continue
            }
        }
    }

    /// Gives a worker that was taken in other experts, and returns what it says when it has loaded
    /// them or cannot.
    public func reassign(
        _ experts: [ExpertID],
        epoch: UInt64,
        of model: ModelFile
    ) throws -> ControlMessage {
        try sendAssignment(of: experts, epoch: epoch, of: model)
        while true {
            let message = try nextControl()
            switch message {
            case .loaded, .loadFailed: return message
            default: continue
            }
        }
    }

    private func sendAssignment(
        of experts: [ExpertID],
        epoch: UInt64,
        of model: ModelFile
    ) throws {
        let assignment = Assignment(
            epoch: Epoch(rawValue: epoch),
            experts: experts.map { ExpertSlice($0) },
            digests: try experts.map { ExpertDigest(of: try model.expert($0)) }
        )
        try send(.assignment(assignment))
    }

    /// A number for the next share.
    public func nextShareID() -> ShareID {
        shareID += 1
        return ShareID(rawValue: shareID)
    }

    /// Sends frames on the data socket, without waiting for an answer.
    public func send(_ frames: [[UInt8]]) throws {
        guard let name = WorkerName(rawValue: Self.name) else { return }
        let life = WorkerLife(name: name, incarnation: Self.incarnation)
        try send(frames, to: Peer(life.routingID), over: data)
    }

    /// Sends frames over the worker's control connection.
    public func sendControl(_ frames: [[UInt8]]) throws {
        guard let peer else { throw TestClient.Failure(description: "no worker said hello") }
        try send(frames, to: peer, over: control)
    }

    private func send(_ frames: [[UInt8]], to worker: Peer, over socket: Socket) throws {
        let deadline = ContinuousClock.now + Self.patience
        while !(try isTaken(frames, by: worker, over: socket)) {
            guard ContinuousClock.now < deadline else {
                throw TestClient.Failure(description: "the worker takes nothing")
            }
            _ = try poller.wait(for: [], timeout: .milliseconds(1))
        }
    }

    /// Not taken while the worker's connection is on the way, or its queue is full.
    private func isTaken(
        _ frames: [[UInt8]],
        by worker: Peer,
        over socket: Socket
    ) throws(MessagingError) -> Bool {
        do throws(MessagingError) {
            try socket.send(frames, to: worker)
            return true
        } catch .unroutable, .queueFull {
            return false
        } catch {
            throw error
        }
    }

    /// Waits for a heartbeat that is as wanted.
    public func heartbeat(until isWanted: (Heartbeat) -> Bool) throws {
        while true {
            guard case .heartbeat(let heartbeat) = try nextControl() else { continue }
            try sendControl(
                ControlMessage.heartbeatReply(HeartbeatReply(sequence: heartbeat.sequence)).encode()
            )
            if isWanted(heartbeat) { return }
        }
    }

    /// Waits for the worker's hello without answering it.
    public func awaitHello() throws {
        while true {
            if case .hello = try nextControl() { return }
        }
    }

    /// Whether the worker says hello within a time.
    public func hearsHello(within time: Duration) throws -> Bool {
        let deadline = ContinuousClock.now + time
        while ContinuousClock.now < deadline {
            _ = try poller.wait(for: [control], timeout: deadline - .now)
            guard let received = try control.receive() else { continue }
            peer = received.peer
            if case .hello = try ControlMessage(frames: received.frames) { return true }
        }
        return false
    }

    /// Reads and forgets what the worker has said so far.
    public func forgetAnswers() throws {
        while try data.receive() != nil {}
        while try control.receive() != nil {}
    }

    /// The worker's next answer.
    public func answer() throws -> DataMessage {
        try DataMessage(frames: next(from: data))
    }

    private func nextControl() throws -> ControlMessage {
        try ControlMessage(frames: next(from: control))
    }

    private func next(from socket: Socket) throws -> [[UInt8]] {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            if let received = try socket.receive() {
                if socket === control { peer = received.peer }
                return received.frames
            }
            guard ContinuousClock.now < deadline else {
                throw TestClient.Failure(description: "the worker says nothing")
            }
            _ = try poller.wait(for: [socket], timeout: deadline - .now)
        }
    }

    private func send(_ message: ControlMessage) throws { try sendControl(message.encode()) }

    private func manifest(of model: ModelFile) throws -> Manifest {
        Manifest(
            modelName: model.description.name,
            architecture: model.description.architecture.name,
            model: try model.identity(),
            layerCount: model.description.layerCount,
            expertCount: model.description.expertCount,
            hiddenSize: model.description.hiddenSize
        )
    }
}
