import Cluster
import Messaging
public import Model
public import Placement
import Synchronization
public import Wire

/// A worker that keeps the protocol but loads nothing, and answers shares as a script says.
///
/// Stands for workers that hang, lie, or are of another make.
public struct ScriptedWorker: Sendable {
    /// What it does about a share.
    public enum Answer: Sendable {
        /// Messages, each as its frames; none to say nothing.
        case say([[[UInt8]]])
        /// The same after a moment in which it does whatever else there is to do.
        case sayLater([[[UInt8]]])
        /// Falls silent on all sockets for good.
        case fallSilent
        /// Says hello again in mid-share, as after a lost control connection, and at once that
        /// its experts are loaded.
        case rejoin
    }

    private let name: WorkerName
    private let model: ModelIdentity
    private let endpoint: String
    /// What it says of its arithmetic.
    public var lossy: LossyKind?
    private let answer: @Sendable (Share) -> Answer

    public init(
        _ name: WorkerName,
        of model: ModelIdentity,
        in cluster: InProcessCluster,
        answer: @escaping @Sendable (Share) -> Answer
    ) {
        self.name = name
        self.model = model
        endpoint = cluster.workerEndpoint
        self.answer = answer
    }

    /// One that says it is lossy and computes nothing: each row is told to have used one expert in
    /// few bits.
    public static func lossy(
        _ name: String,
        in cluster: InProcessCluster
    ) throws -> ScriptedWorker {
        var worker = try demo(name, in: cluster) { share in
            .say([DataMessage.partialRows(.nothing(for: share, isLossy: true)).encode()])
        }
        worker.lossy = .resident
        return worker
    }

    /// One that computes nothing, and takes so long for it that a job that fills the context lasts
    /// for minutes.
    public static func slow(_ name: String, in cluster: InProcessCluster) throws -> ScriptedWorker {
        try demo(name, in: cluster) { share in
            .sayLater([DataMessage.partialRows(.nothing(for: share, isLossy: false)).encode()])
        }
    }

    private static func demo(
        _ name: String,
        in cluster: InProcessCluster,
        answer: @escaping @Sendable (Share) -> Answer
    ) throws -> ScriptedWorker {
        guard let name = WorkerName(rawValue: name) else {
            throw TestClient.Failure(description: "'\(name)' is no worker's name")
        }
        return ScriptedWorker(
            name,
            of: try WholeModel.demo.file.identity(),
            in: cluster,
            answer: answer
        )
    }

    /// Serves beside `body`.
    public func running<Result>(_ body: () async throws -> Result) async throws -> Result {
        let stop = try Waker()
        let isStopped = StopFlag()
        let thread = try NamedThread("scripted") { [self] in
            do {
                try Life(self).run(until: isStopped, waker: stop)
            } catch {
                // The cluster notices: its worker is gone.
            }
        }
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        isStopped.raise()
        stop.wake()
        await thread.finished()
        return try result.get()
    }

    private final class StopFlag: Sendable {
        private let flag = Atomic(false)
        var isRaised: Bool { flag.load(ordering: .relaxed) }
        func raise() { flag.store(true, ordering: .relaxed) }
    }

    /// One run, on its thread.
    private final class Life {
        private let worker: ScriptedWorker
        private let context: MessagingContext
        private let control: Socket
        private var data: Socket?
        private var incarnation = Incarnation.unnumbered
        private var heartbeat = Duration.milliseconds(100)
        private var sequence: UInt64 = 0
        private var isSilent = false
        /// What is said later, and when; the first to be said first.
        private var delayed: [(time: ContinuousClock.Instant, frames: [[UInt8]])] = []

        private static let delay = Duration.milliseconds(10)

        init(_ worker: ScriptedWorker) throws {
            self.worker = worker
            context = try MessagingContext()
            var options = SocketOptions()
            options.requiresConnection = false
            control = try Socket(.dealer, in: context, options: options)
        }

        func run(until stop: StopFlag, waker: Waker) throws {
            try control.connect(Endpoint(worker.endpoint))
            try say(.hello(hello))
            var poller = Poller()
            var nextHeartbeat = ContinuousClock.now
            while !stop.isRaised {
                let sockets = isSilent ? [] : [control] + (data.map { [$0] } ?? [])
                let next = min(nextHeartbeat, delayed.first?.time ?? nextHeartbeat)
                let pause = isSilent ? nil : max(.zero, next - .now)
                _ = try poller.wait(for: sockets, or: waker, timeout: pause)
                guard !isSilent else { continue }
                while let received = try control.receive() {
                    try onControl(ControlMessage(frames: received.frames))
                }
                while !isSilent, let received = try data?.receive() {
                    try onData(DataMessage(frames: received.frames))
                }
                while let first = delayed.first, first.time <= .now, !isSilent {
                    delayed.removeFirst()
                    try data?.send(first.frames)
                }
                if incarnation != .unnumbered, nextHeartbeat <= .now, !isSilent {
                    nextHeartbeat = .now + heartbeat
                    try beat()
                }
            }
        }

        private func onControl(_ message: ControlMessage) throws {
            switch message {
            case .welcome(let welcome):
                incarnation = welcome.incarnation
                heartbeat = welcome.heartbeatInterval
                var options = SocketOptions()
                let life = WorkerLife(name: worker.name, incarnation: incarnation)
                options.routingID = Peer(life.routingID)
                let socket = try Socket(.dealer, in: context, options: options)
                try socket.connect(Endpoint(welcome.dataEndpoint))
                data = socket
            case .assignment(let assignment): try say(.loaded(Loaded(epoch: assignment.epoch)))
            default: break
            }
        }

        private func onData(_ message: DataMessage) throws {
            guard case .share(let share) = message else { return }
            switch worker.answer(share) {
            case .say(let messages): for frames in messages { try data?.send(frames) }
            case .sayLater(let messages):
                for frames in messages { delayed.append((.now + Self.delay, frames)) }
            case .fallSilent: isSilent = true
            case .rejoin:
                try say(.hello(hello))
                try say(.loaded(Loaded(epoch: share.header.epoch)))
            }
        }

        private func beat() throws {
            sequence += 1
            try say(
                .heartbeat(
                    Heartbeat(
                        sequence: sequence,
                        incarnation: incarnation,
                        rowsComputed: 0,
                        sharesComputed: 0,
                        residentByteCount: 0
                    )
                )
            )
        }

        private func say(_ message: ControlMessage) throws { try control.send(message.encode()) }

        private var hello: Hello {
            Hello(
                build: "scripted",
                name: worker.name,
                incarnation: incarnation,
                model: worker.model,
                heldEpoch: nil,
                heldExpertCount: 0,
                coreCount: 1,
                memoryByteCount: 0,
                instructionSet: "none",
                readBandwidth: 0,
                lossy: worker.lossy
            )
        }
    }
}

extension PartialRows {
    /// Rows of zeros, each of which used one expert in few bits where the worker is lossy.
    fileprivate static func nothing(for share: Share, isLossy: Bool) -> PartialRows {
        let header = share.header
        return PartialRows(
            id: header.id,
            attempt: header.attempt,
            epoch: header.epoch,
            layer: header.layer,
            width: header.width,
            values: Array(repeating: 0, count: header.rowCount * header.width),
            uses: isLossy ? (0..<header.rowCount).flatMap { _ in [1, 0] as [UInt32] } : [],
            computeTime: .microseconds(1)
        )
    }
}
