package import Cluster
import Experts
import Kernels
package import Logging
package import Messaging
import Model
import Placement
import Settings
import Tensors
import Wire

/// The loop thread: the shell of `WorkerSession`.
///
/// Never computes, never waits: its owner calls `turn` after each event and at `nextDeadline`.
package final class ControlLoop {
    /// What the loop needs of the world around it.
    package struct Surroundings {
        package let clock: LoopClock
        package let dial: Dial
        package let startLoad: StartLoad
        /// Bytes of memory that can still be taken, or nil where the system does not say.
        package let availableMemory: () -> Int?
        /// Bytes of memory that this process occupies.
        package let residentMemory: () -> UInt64
        /// Where experts came from so far.
        package let supplyCounts: () -> SupplyCounts
        /// For the pauses between attempts, which must differ between workers.
        package let seed: UInt64

        package init(
            clock: LoopClock,
            seed: UInt64,
            dial: @escaping Dial,
            startLoad: @escaping StartLoad,
            availableMemory: @escaping () -> Int? = MemoryBudget.available,
            residentMemory: @escaping () -> UInt64 = residentByteCount,
            supplyCounts: @escaping () -> SupplyCounts = { SupplyCounts() }
        ) {
            self.clock = clock
            self.seed = seed
            self.dial = dial
            self.startLoad = startLoad
            self.availableMemory = availableMemory
            self.residentMemory = residentMemory
            self.supplyCounts = supplyCounts
        }
    }

    private let machine: Machine
    private let surroundings: Surroundings
    private let inbox: Mailbox<LoopCommand>
    private let steps: Mailbox<StepCommand>
    let logger: Logger
    private let wireLimits = WireLimits()
    private var session: WorkerSession
    /// The connection for control messages, once there is one.
    package private(set) var socket: (any MessageSocket)?
    /// Of the model whose experts are held, and where they may be fetched from.
    private var layout: ExpertLayout
    private var model: ModelIdentity?
    private let chunkEndpoint = Latest("")
    /// Of the last assignment.
    private var assigned: [ExpertDigest] = []
    private var held: HeldParts
    private var loader: (any ExpertLoad)?
    /// What is loaded once there is room for it.
    private var awaitingRoom: LoadOrder?
    private var loadCount = 0
    /// What was loaded and is on its way to the step thread; the session knows nothing of it yet.
    private var unconfirmed: (id: LoadID, experts: [ExpertSlice])?
    /// What the step thread counts.
    let figures: Latest<StepFigures>
    var ownDrops = DropCounts()
    /// Of sockets that were given up.
    var formerOversize = 0
    var warnings = ReportLimiter()
    private var dropLog: DropLog
    private var story: CoordinatorStory
    private var hasStarted = false
    /// Whether the session has ended: there is nothing more to do.
    package private(set) var isOver = false

    /// Messages taken before commands and deadlines get their turn.
    private static let turn = 64
    /// A goodbye may take this long to leave.
    private static let farewellTime = Duration.milliseconds(200)

    package init(
        machine: Machine,
        surroundings: Surroundings,
        steps: Mailbox<StepCommand>,
        inbox: Mailbox<LoopCommand>,
        figures: Latest<StepFigures> = Latest(StepFigures()),
        logger: Logger
    ) {
        self.machine = machine
        self.figures = figures
        dropLog = DropLog(logger, now: surroundings.clock.now)
        story = CoordinatorStory(logger, name: machine.name)
        self.surroundings = surroundings
        self.steps = steps
        self.inbox = inbox
        self.logger = logger
        layout = machine.model?.layout ?? .none
        model = machine.identity
        held = HeldParts(expertCounts: layout.expertCounts)
        session = WorkerSession(
            identity: WorkerSession.Identity(
                protocolVersion: ProtocolVersion.current,
                name: machine.name,
                model: machine.identity
            ),
            seed: surroundings.seed
        )
    }

    /// When to call `turn` if nothing happens before.
    package var nextDeadline: Instant? { session.nextDeadline }

    /// What it does, in a sentence.
    package var status: String {
        switch session.phase {
        case .idle, .waiting, .greeting: "looking for the coordinator at \(machine.coordinator)"
        case .refused(_, let reason, _): "refused by the coordinator: \(reason)"
        case .stopped: "stopping"
        case .welcomed:
            session.heldEpoch == nil
                ? "loading experts" : "serving \(session.heldExpertCount) experts"
        }
    }

    /// Does all that can be done now.
    package func turn() throws(WorkerError) {
        if !hasStarted { try start() }
        for command in inbox.takeAll() { try perform(command) }
        try receive()
        try perform(session.tick(now: clock.now))
        if case .waiting = session.phase { story.unanswered("\(machine.coordinator)") }
        dropLog.tell(drops, now: clock.now, isLast: isOver)
        if isOver {
            loader?.cancel()
            logger.notice("Worker stopped")
        }
    }

    var clock: LoopClock { surroundings.clock }

    private func start() throws(WorkerError) {
        hasStarted = true
        logger.info(
            "Worker started",
            metadata: [
                "model": "\(machine.model?.description.name ?? "the coordinator's")",
                "coordinator": "\(machine.coordinator)",
                "instructionSet": "\(machine.instructionSet.name)",
            ]
        )
        try perform(session.start(now: clock.now))
    }

    // MARK: Events

    private func perform(_ command: LoopCommand) throws(WorkerError) {
        let now = clock.now
        switch command {
        case .progress(let id, let progress):
            guard id == loader?.id else { return }
            try perform(
                session.onLoadProgress(
                    epoch: id.epoch,
                    loadedByteCount: UInt64(progress.loadedByteCount),
                    totalByteCount: UInt64(progress.totalByteCount),
                    now: now
                )
            )
        case .opened(let experts): _ = steps.post(.open(experts))
        case .hasRoom(let id):
            guard let order = awaitingRoom, order.id == id else { return }
            awaitingRoom = nil
            try start(order)
        case .loaded(let id, let parts, let experts):
            guard id == loader?.id else { return }
            for (part, expert) in zip(parts, experts) {
                held.insert(expert, as: part)
            }
            loader = nil
            unconfirmed = (id, parts)
            install(id)
        case .installed(let id):
            guard id == unconfirmed?.id else { return }
            unconfirmed = nil
            story.loaded(held.count, byteCount: held.byteCount, of: id.epoch)
            try perform(session.onLoaded(epoch: id.epoch))
        case .loadFailed(let id, let code, let reason):
            guard id == loader?.id else { return }
            loader = nil
            giveRoomBack()
            story.failed(reason)
            try perform(
                session.onLoadFailed(epoch: id.epoch, code: code, reason: reason, now: now)
            )
        case .warning(let warning, let heldBack): tell(warning, heldBack: heldBack)
        case .idle: try perform(session.onIdle())
        case .broken(let reason): throw .broken(reason)
        case .drain: try drain(session.drain(now: now))
        case .stop: try perform(session.stop(reason: "stopped"))
        }
    }

    private func receive() throws(WorkerError) {
        for _ in 0..<Self.turn {
            guard let socket else { return }
            let received: ReceivedMessage?
            do throws(MessagingError) {
                received = try socket.receive()
            } catch {
                throw .messaging(error)
            }
            guard let received else { return }
            let message: ControlMessage
            do throws(WireError) {
                message = try ControlMessage(frames: received.frames, limits: wireLimits)
            } catch {
                drop(.malformed, "Malformed message from the coordinator", reason: "\(error)")
                continue
            }
            try handle(message)
        }
    }

    private func handle(_ message: ControlMessage) throws(WorkerError) {
        let now = clock.now
        switch message {
        case .welcome(let welcome):
            guard ProtocolVersion.supported.contains(welcome.protocolVersion) else {
                return try leave(welcome, now: now)
            }
            story.joined(welcome)
            let life = WorkerLife(name: machine.name, incarnation: welcome.incarnation)
            _ = steps.post(.connect(life, endpoint: welcome.dataEndpoint))
            try perform(session.onWelcome(WorkerSession.Welcome(welcome), now: now))
        case .refusal(let refusal):
            story.refused(refusal.code, refusal.text, now: now)
            try perform(session.onRefusal(refusal.code, reason: refusal.text, now: now))
        case .manifest(let manifest):
            try perform(session.onManifest(WorkerSession.Manifest(manifest), now: now))
            adopt(manifest)
        case .assignment(let assignment):
            assigned = assignment.digests
            let experts = zip(assignment.experts, assignment.digests).map {
                WorkerSession.AssignedExpert($0, digest: $1)
            }
            try perform(
                session.onAssignment(
                    epoch: assignment.epoch,
                    experts: experts,
                    bandwidth: assignment.bandwidth,
                    serial: assignment.serial,
                    now: now
                )
            )
        case .heartbeatReply: session.onHeartbeatReply(now: now)
        case .drain: try drain(session.onDrain(now: now))
        case .goodbye(let goodbye):
            logger.notice("The coordinator left", metadata: ["reason": "\(goodbye.reason)"])
        case .hello, .loadProgress, .loaded, .loadFailed, .heartbeat:
            let reason = "it is a worker's to send"
            drop(.unexpected, "Message from the coordinator dropped", reason: reason)
        }
    }

    /// Takes from a manifest what a worker without a file must know.
    ///
    /// Experts of another model were dropped before.
    private func adopt(_ manifest: Manifest) {
        chunkEndpoint.replace(by: manifest.chunkEndpoint)
        guard machine.model == nil, let layout = manifest.layout,
            manifest.model != model || self.layout == .none
        else { return }
        model = manifest.model
        self.layout = layout
        held = HeldParts(expertCounts: layout.expertCounts)
        _ = steps.post(.adopt(layout))
    }

    /// Treats a welcome to a protocol that is not spoken here as a refusal.
    private func leave(_ welcome: Welcome, now: Instant) throws(WorkerError) {
        let supported = ProtocolVersion.supported
        let reason =
            "the coordinator speaks protocol \(welcome.protocolVersion), this worker "
            + "\(supported.lowerBound) to \(supported.upperBound): install the same release on both"
        drop(.refusedHello, "Welcome not accepted", reason: reason)
        try perform(session.onRefusal(.protocolVersion, reason: reason, now: now))
    }

    private func drain(_ actions: [WorkerSession.Action]) throws(WorkerError) {
        logger.notice("Worker stopping, after the shares it was sent")
        try perform(actions)
        _ = steps.post(.drain)
    }

    // MARK: Actions

    private func perform(_ actions: [WorkerSession.Action]) throws(WorkerError) {
        for action in actions { try perform(action) }
    }

    private func perform(_ action: WorkerSession.Action) throws(WorkerError) {
        switch action {
        case .connect:
            story.connecting()
            try connect()
        case .sayHello(let hello): send(.hello(Hello(hello, of: machine)))
        case .drop(let experts):
            letGo(of: experts)
        case .arrange(let epoch, let later):
            held.arrange(later: later, from: epoch)
            install(nil)
        case .cancelLoad:
            awaitingRoom = nil
            loader?.cancel()
            loader = nil
            giveUpUnconfirmed()
            giveRoomBack()
        case .load(let epoch, let experts, let bandwidth):
            try load(experts, epoch: epoch, pace: Pace(bytesPerSecond: bandwidth))
        case .reportProgress(let epoch, let loaded, let total):
            send(
                .loadProgress(
                    LoadProgress(epoch: epoch, loadedByteCount: loaded, totalByteCount: total)
                )
            )
        case .reportLoaded(let epoch): send(.loaded(Loaded(epoch: epoch)))
        case .reportLoadFailed(let epoch, let code, let reason):
            send(.loadFailed(LoadFailed(epoch: epoch, code: code, text: reason)))
        case .sendHeartbeat(let sequence, let incarnation):
            send(
                .heartbeat(
                    Heartbeat(
                        sequence: sequence,
                        incarnation: incarnation,
                        rowsComputed: figures.value.rowsComputed,
                        sharesComputed: figures.value.sharesComputed,
                        residentByteCount: surroundings.residentMemory(),
                        drops: drops,
                        supply: supply
                    )
                )
            )
        case .announceDrain: send(.drain)
        case .sayGoodbye(let reason): send(.goodbye(Goodbye(reason: reason)))
        case .stop: isOver = true
        }
    }

    /// Where experts came from, and what those on disk cost.
    private var supply: SupplyCounts {
        var counts = surroundings.supplyCounts()
        guard let budget = machine.budget else { return counts }
        let residency = figures.value.residency
        counts.memoryBudget = UInt64(clamping: budget)
        counts.storedUses = UInt64(clamping: residency.uses)
        counts.storedHits = UInt64(clamping: residency.hits)
        counts.storedForeseen = UInt64(clamping: residency.foreseen)
        counts.storedLowUses = UInt64(clamping: residency.lowUses)
        counts.storedLowHits = UInt64(clamping: residency.lowHits)
        counts.lowBitCount = UInt32(clamping: machine.lossy?.tier?.bitCount ?? 0)
        counts.idleLoads = UInt64(clamping: residency.idleLoads)
        counts.idleUses = UInt64(clamping: residency.idleUses)
        counts.storedByteCount = UInt64(clamping: residency.bytesRead)
        counts.stallMicroseconds = UInt64(clamping: Int64(residency.stalled / .microseconds(1)))
        counts.unpacked = UInt64(clamping: residency.fallbacks)
        counts.guesses = SIMD4(clamping: residency.guesses)
        counts.rightGuesses = SIMD4(clamping: residency.rightGuesses)
        return counts
    }

    /// Gives back what was loaded when its load was overtaken by another.
    private func giveUpUnconfirmed() {
        guard let unconfirmed else { return }
        self.unconfirmed = nil
        letGo(of: unconfirmed.experts)
    }

    /// The room that was made for a load that has ended without experts is for hot ones again.
    private func giveRoomBack() {
        if machine.lossy != nil { install(nil) }
    }

    private func letGo(of experts: [ExpertSlice]) {
        for expert in experts { held.remove(expert) }
        install(nil)
    }

    private func install(_ load: LoadID?) { _ = steps.post(.install(held, load)) }

    private func connect() throws(WorkerError) {
        do throws(MessagingError) {
            var options = SocketOptions()
            options.linger = Self.farewellTime
            // A hello may wait for a connection that is just being made.
            options.requiresConnection = false
            formerOversize += socket?.droppedMessageCount ?? 0
            socket = try surroundings.dial(machine.coordinator, options)
        } catch {
            throw .messaging(error)
        }
    }

    private func load(
        _ experts: [WorkerSession.AssignedExpert],
        epoch: Epoch,
        pace: Pace
    ) throws(WorkerError) {
        story.loading(experts.count, of: epoch)
        if let shortage = shortage(for: experts) {
            story.failed(shortage)
            let now = clock.now
            return try perform(
                session.onLoadFailed(
                    epoch: epoch,
                    code: .outOfMemory,
                    reason: shortage,
                    now: now
                )
            )
        }
        loadCount += 1
        let order = LoadOrder(
            id: LoadID(number: loadCount, epoch: epoch),
            experts: experts,
            shardByteCount: experts.reduce(held.shardByteCount) {
                $0 + ($1.part.dimensions == nil ? 0 : layout.byteCount(of: $1.part))
            },
            pace: pace,
            assigned: assigned,
            model: model,
            layout: layout,
            chunkEndpoint: chunkEndpoint
        )
        guard machine.lossy != nil else { return try start(order) }
        awaitingRoom = order
        _ = steps.post(.makeRoom(order.id, expertCount: held.count + experts.count))
    }

    private func start(_ order: LoadOrder) throws(WorkerError) {
        do throws(MessagingError) {
            loader = try surroundings.startLoad(order)
        } catch {
            throw .messaging(error)
        }
    }

    /// Why further experts do not fit beside those that are held, or nil where they do.
    ///
    /// A worker that serves must not be lost over what it was to take over. One that holds nothing
    /// yet tries, and its loader says where it ends.
    private func shortage(for experts: [WorkerSession.AssignedExpert]) -> String? {
        // Within a budget they stay on disk.
        guard held.count > 0, machine.budget == nil else { return nil }
        let needed = experts.reduce(0) { $0 + layout.byteCount(of: $1.part) }
        let allowed = max(0, Int(clamping: machine.memoryByteCount) - held.byteCount)
        let available = min(allowed, surroundings.availableMemory() ?? .max)
        guard needed > available else { return nil }
        return
            "\(experts.count) further experts need \(needed) bytes of memory, \(available) are free"
    }

    private func send(_ message: ControlMessage) {
        do throws(MessagingError) {
            try socket?.send(message.encode())
        } catch {
            // Silence is noticed by the session, which then connects anew.
            logger.debug("Message not sent", metadata: ["reason": "\(error)"])
        }
    }
}
