import Cluster
import Foundation
import Messaging
import Model
import Placement
import Synchronization
import Testing
import Wire

/// A coordinator that gives one worker experts and then sends whatever frames a test wants.
final class ScriptedCoordinator {
    private let control: Socket
    private let data: Socket
    private let dataEndpoint: Endpoint
    private var poller = Poller()
    private var peer: Peer?
    private var shareID: UInt64 = 0

    private static let name = "worker"
    private static let incarnation = Incarnation(rawValue: 7)
    private static let patience = Duration.seconds(60)

    /// Binds below `directory`.
    init(directory: String) throws {
        let context = try MessagingContext()
        control = try Socket(.router, in: context)
        data = try Socket(.router, in: context)
        try control.bind(Endpoint("ipc://\(directory)/workers"))
        dataEndpoint = try data.bind(Endpoint("ipc://\(directory)/shares"))
    }

    /// Takes the worker in and has it load `experts`.
    func assign(_ experts: [ExpertID], of model: ModelFile) throws {
        while true {
            switch try nextControl() {
            case .hello:
                try send(
                    .welcome(
                        Welcome(
                            build: "scripted",
                            incarnation: Self.incarnation,
                            dataEndpoint: "\(dataEndpoint)",
                            heartbeatInterval: .seconds(1),
                            silenceLimit: .seconds(120)
                        )
                    )
                )
                try send(.manifest(manifest(of: model)))
                let digests = try experts.map { ExpertDigest(of: try model.expert($0)) }
                try send(
                    .assignment(
                        Assignment(
                            epoch: Epoch(rawValue: 1),
                            experts: experts,
                            digests: digests
                        )
                    )
                )
            case .loaded: return
            default: continue
            }
        }
    }

    /// A number for the next share.
    func nextShareID() -> ShareID {
        shareID += 1
        return ShareID(rawValue: shareID)
    }

    /// Sends frames on the data socket, without waiting for an answer.
    func send(_ frames: [[UInt8]]) throws {
        let name = try #require(WorkerName(rawValue: Self.name))
        let life = WorkerLife(name: name, incarnation: Self.incarnation)
        let deadline = ContinuousClock.now + Self.patience
        while !(try isTaken(frames, by: Peer(life.routingID))) {
            try #require(ContinuousClock.now < deadline, "the worker never connected")
            _ = try poller.wait(for: [data], timeout: .milliseconds(5))
        }
    }

    /// Not taken while the worker's connection is on the way.
    private func isTaken(_ frames: [[UInt8]], by worker: Peer) throws(MessagingError) -> Bool {
        do throws(MessagingError) {
            try data.send(frames, to: worker)
            return true
        } catch .unroutable {
            return false
        } catch {
            throw error
        }
    }

    /// The worker's next answer.
    func answer() throws -> DataMessage {
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
            try #require(ContinuousClock.now < deadline, "the worker says nothing")
            _ = try poller.wait(for: [socket], timeout: deadline - .now)
        }
    }

    private func send(_ message: ControlMessage) throws {
        let worker: Peer = try #require(peer)
        try control.send(message.encode(), to: worker)
    }

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
