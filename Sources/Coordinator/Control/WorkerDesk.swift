import Cluster
import Logging
import Messaging
import Model
import Placement
import Settings
import Wire

/// The workers' side of the coordinator: the shell of `Membership`, on the loop thread.
struct WorkerDesk {
    private let served: ServedModel
    private let socket: any MessageSocket
    /// Nil where only this machine can connect.
    private let access: Access?
    private let dataEndpoint: Endpoint
    private let chunkEndpoint: Endpoint?
    private let steps: Mailbox<StepCommand>
    /// Begins to write a change; `onSaved` hears when it is on disk.
    private let save: (StateChange) -> Void
    let clock: LoopClock
    private let logger: Logger
    private let wireLimits = WireLimits()
    private var story: WorkerStory
    var membership: Membership
    /// Messages that were not acted on, beside those that membership counts.
    private var ownDrops = DropCounts()
    /// What members said about their machines, by name.
    private(set) var machines: [WorkerName: Hello] = [:]
    /// What was last said to be missing; empty while nothing is.
    private var toldMissing = ""
    private var toldObstacle = ""
    var diary: PlanDiary
    /// Whether something is being written that others wait for, and what waits for it: nobody may
    /// see what a crash would undo.
    private(set) var isSaving = false
    private var held: [Membership.Action] = []
    private var isSavingHistory = false
    /// Why the change of plans that begins next is wanted.
    var wish = ""

    init(
        served: ServedModel,
        settings: CoordinatorSettings,
        socket: any MessageSocket,
        access: Access?,
        dataEndpoint: Endpoint,
        chunkEndpoint: Endpoint?,
        steps: Mailbox<StepCommand>,
        save: @escaping (StateChange) -> Void,
        start: StartingPlan,
        life: UInt32,
        clock: LoopClock,
        logger: Logger
    ) {
        self.served = served
        self.socket = socket
        self.access = access
        self.dataEndpoint = dataEndpoint
        self.chunkEndpoint = chunkEndpoint
        self.steps = steps
        self.save = save
        self.clock = clock
        self.logger = logger
        story = WorkerStory(logger)
        diary = start.diary
        membership = Membership(
            setup: Membership.Setup(
                protocolVersions: ProtocolVersion.supported,
                model: served.identity,
                expertCounts: served.description.expertCounts,
                expertByteCounts: served.expertByteCounts,
                expertWidth: served.description.expertWidth ?? ExpertSlice.step,
                expected: settings.expectedWorkers,
                allowsLossy: settings.allowsLossy,
                plan: start.plan,
                // Lives are counted on disk, so their incarnations never meet.
                lastIncarnation: Incarnation(rawValue: UInt64(life) << 32),
                lastEpoch: start.lastEpoch,
                drained: start.drained
            ),
            limits: settings.membershipLimits
        )
    }

    var nextDeadline: Instant? { membership.nextDeadline }

    /// What came to the socket so far.
    var traffic: SocketReport {
        var drops = ownDrops
        drops.add(membership.drops)
        return SocketTraffic(of: socket, drops: drops).report("workers")
    }

    // MARK: Events

    mutating func tick() {
        perform(membership.tick(now: clock.now))
    }

    /// The step thread uses a plan from now on.
    mutating func onAdopted(_ epoch: Epoch) {
        perform(membership.onAdopted(epoch, now: clock.now))
    }

    /// A worker is of no use to the step thread: it has to join anew.
    mutating func onUnreachable(
        _ name: WorkerName,
        _ trouble: RunnerEvent.Trouble
    ) {
        let loss: Membership.Loss =
            switch trouble {
            case .disconnected: .unreachable
            case .silent: .overdue
            }
        perform(membership.onUnreachable(name, loss, now: clock.now))
    }

    /// Tells the workers to look for the coordinator's next life.
    mutating func shutDown() {
        // Whatever still waits for the disk is the next life's to do.
        isSaving = false
        held = []
        perform(membership.shutDown())
    }

    mutating func receive(_ received: ReceivedMessage) {
        guard let sender = received.peer else { return }
        let message: ControlMessage
        do throws(WireError) {
            message = try ControlMessage(frames: received.frames, limits: wireLimits)
        } catch {
            ownDrops.count(.malformed)
            let peer = PeerID(sender.bytes)
            warn("Malformed message on the workers' socket", of: peer, reason: "\(error)")
            send(.refusal(Refusal(code: .malformed, text: "\(error)")), to: sender)
            return
        }
        if let reason = access?.refusal(ofWorker: received.sender) {
            ownDrops.count(.forbidden)
            warn("Message refused", of: PeerID(sender.bytes), reason: reason)
            return send(.refusal(Refusal(code: .notAllowed, text: reason)), to: sender)
        }
        perform(decide(message, from: PeerID(sender.bytes), now: clock.now))
    }

    private mutating func decide(
        _ message: ControlMessage,
        from peer: PeerID,
        now: Instant
    ) -> [Membership.Action] {
        switch message {
        case .hello(let hello):
            return onHello(hello, from: peer, now: now)
        case .loadProgress(let progress):
            return membership.onLoadProgress(
                epoch: progress.epoch,
                loadedByteCount: progress.loadedByteCount,
                totalByteCount: progress.totalByteCount,
                from: peer,
                now: now
            )
        case .loaded(let loaded):
            if let name = membership.name(of: peer), loaded.epoch == membership.assigned?.epoch {
                story.loaded(loaded.epoch, by: name)
            }
            return membership.onLoaded(epoch: loaded.epoch, from: peer, now: now)
        case .loadFailed(let failure):
            if let name = membership.name(of: peer), membership.plan != nil {
                story.failed(failure, of: name, now: now)
            }
            return membership.onLoadFailed(
                epoch: failure.epoch,
                code: failure.code,
                reason: failure.text,
                from: peer,
                now: now
            )
        case .heartbeat(let heartbeat):
            return membership.onHeartbeat(
                Membership.Heartbeat(heartbeat),
                from: peer,
                now: now
            )
        case .drain: return membership.onDrain(from: peer, now: now)
        case .goodbye(let goodbye):
            return membership.onGoodbye(reason: goodbye.reason, from: peer, now: now)
        case .welcome, .refusal, .manifest, .assignment, .heartbeatReply:
            ownDrops.count(.unexpected)
            let reason = "this message is the coordinator's to send"
            warn("Unexpected message on the workers' socket", of: peer, reason: reason)
            return [.refuse(peer, .malformed, reason)]
        }
    }

    private mutating func onHello(
        _ hello: Hello,
        from peer: PeerID,
        now: Instant
    ) -> [Membership.Action] {
        guard hello.role == .worker else {
            ownDrops.count(.refusedHello)
            let reason = "workers connect here; clients have another port"
            warn("Hello refused on the workers' socket", of: peer, reason: reason)
            return [.refuse(peer, .notAllowed, reason)]
        }
        let actions = membership.onHello(Membership.Hello(hello), from: peer, now: now)
        if case .refuse(_, let code, let text)? = actions.first {
            story.refused(hello.name, code, text, now: now)
        }
        guard membership.name(of: peer) == hello.name else { return actions }
        machines[hello.name] = hello
        // Names that came and went, before there was a plan, must not add up.
        machines = machines.filter { membership.isMember($0.key) }
        return actions
    }

    // MARK: Actions

    /// Carries actions out, in order: those after one that is to be on disk first wait for that.
    mutating func perform(_ actions: [Membership.Action]) {
        for action in actions {
            if isSaving, !action.overtakes { held.append(action) } else { perform(action) }
        }
        saveHistory()
        tellWhatIsMissing()
    }

    private mutating func saveFirst(_ change: StateChange) {
        isSaving = true
        save(change)
    }

    private mutating func saveHistory() {
        guard !isSavingHistory, let lines = diary.takeUnsaved() else { return }
        isSavingHistory = true
        save(.history(lines))
    }

    /// A change is on disk: what waited for it goes on.
    mutating func onSaved(_ change: StateChange) {
        if case .history = change {
            isSavingHistory = false
            return saveHistory()
        }
        isSaving = false
        let waiting = held
        held = []
        perform(waiting)
    }

    /// Keeps the reason for not being ready up to date, which a job that gives up will name.
    private mutating func tellWhatIsMissing() {
        let text = membership.isReady ? "" : membership.status(now: clock.now)
        defer { toldMissing = text }
        let obstacle = membership.recoveryObstacle
        if !obstacle.isEmpty, obstacle != toldObstacle {
            logger.warning("Experts cannot be recovered", metadata: ["reason": "\(obstacle)"])
        }
        toldObstacle = obstacle
        if !text.isEmpty, text != toldMissing { tell(.unready(reason: text)) }
    }

    private mutating func perform(_ action: Membership.Action) {
        switch action {
        case .recordIncarnation: break  // Counted by lives, which are on disk already.
        case .record(let plan): record(plan)
        case .recordDrained(let names): saveFirst(.drained(names))
        case .prepare(let epoch, let copies, let byteCount):
            saveFirst(.epoch(epoch))
            noteRecovery(copies: copies, byteCount: byteCount)
            logger.notice(
                "Workers load experts of others",
                metadata: ["epoch": "\(epoch)", "experts": "\(copies)"]
            )
        case .change(let stages, let copies, let byteCount):
            let epoch = membership.plan?.epoch ?? Epoch(rawValue: 0)
            diary.begin(wish, moves: copies, byteCount: byteCount, epoch: epoch)
            logger.notice(
                "The plan is to change",
                metadata: ["stages": "\(stages)", "copies": "\(copies)"]
            )
        case .changed(let epoch):
            diary.end("done")
            logger.notice("The plan has changed", metadata: ["epoch": "\(epoch)"])
        case .unchanged(let reason):
            diary.end(reason)
            logger.warning("The plan does not change", metadata: ["reason": "\(reason)"])
        case .abandon(let epoch, let reason):
            if membership.migration == nil { diary.end(reason) }
            logger.warning("Plan given up", metadata: ["epoch": "\(epoch)", "reason": "\(reason)"])
        case .refuse(let peer, let code, let text):
            // Told by whoever decided it; that a hello is missing, only here.
            logger.debug("Refused", metadata: ["from": "\(Peer(peer.bytes))", "reason": "\(text)"])
            send(.refusal(Refusal(code: code, text: text)), to: Peer(peer.bytes))
        case .welcome(let peer, let name, let incarnation):
            story.joined(name, machines[name], epoch: membership.plan?.epoch)
            send(welcome(incarnation), to: Peer(peer.bytes))
        case .sendManifest(let peer): send(manifest, to: Peer(peer.bytes))
        case .assign(let peer, let epoch, let parts, let bandwidth, let serial):
            var assignment = assignment(of: parts, epoch)
            (assignment.bandwidth, assignment.serial) = (bandwidth, serial)
            assign(assignment, to: peer)
        case .replyHeartbeat(let peer, let sequence):
            send(.heartbeatReply(HeartbeatReply(sequence: sequence)), to: Peer(peer.bytes))
        case .drain(let peer): send(.drain, to: Peer(peer.bytes))
        case .lost(let name, let loss):
            story.lost(name, loss)
            tell(.lost(name, reason: "\(loss)"))
        case .returned(let name):
            story.returned(name)
        case .serving(let lives):
            if let topology = topology(of: lives) { tell(.changed(topology)) }
        case .becameReady(let epoch):
            logger.notice(
                "Cluster ready",
                metadata: ["epoch": "\(epoch)", "workers": "\(membership.readyCount)"]
            )
        case .becameUnready(let text):
            logger.notice("Cluster not ready", metadata: ["reason": "\(text)"])
        }
    }

    private mutating func record(_ plan: Plan) {
        saveFirst(.plan(plan))
        noteInForce(plan)
        let names = plan.workers.map(\.rawValue).joined(separator: ", ")
        logger.notice("Plan made", metadata: ["epoch": "\(plan.epoch)", "workers": "\(names)"])
    }

    private func assignment(of parts: [ExpertSlice], _ epoch: Epoch) -> Assignment {
        Assignment(
            epoch: epoch,
            experts: parts,
            digests: parts.map { served.digests[$0.expert] }
        )
    }

    private mutating func assign(_ assignment: Assignment, to peer: PeerID) {
        if let name = membership.name(of: peer) {
            story.assigned(assignment.experts.count, of: assignment.epoch, to: name)
        }
        send(.assignment(assignment), to: Peer(peer.bytes))
    }

    private func topology(of lives: [Incarnation?]) -> Topology? {
        guard let plan = membership.plan else { return nil }
        let peers = zip(plan.workers, lives).map { name, life in
            life.map { Peer(WorkerLife(name: name, incarnation: $0).routingID) }
        }
        let takesHints = plan.workers.map { machines[$0]?.takesHints == true }
        let lossy = plan.workers.map { machines[$0]?.lossy }
        return Topology(plan: plan, peers: peers, takesHints: takesHints, lossy: lossy)
    }

    private func welcome(_ incarnation: Incarnation) -> ControlMessage {
        .welcome(
            Welcome(
                build: Build.name,
                incarnation: incarnation,
                dataEndpoint: "\(dataEndpoint)",
                heartbeatInterval: membership.limits.heartbeatInterval,
                silenceLimit: membership.limits.silenceLimit
            )
        )
    }

    private var manifest: ControlMessage {
        let model = served.description
        return .manifest(
            Manifest(
                modelName: model.name,
                architecture: model.architecture.name,
                model: served.identity,
                layerCount: model.layerCount,
                expertCount: model.expertCount,
                hiddenSize: model.hiddenSize,
                chunkEndpoint: chunkEndpoint.map { "\($0)" } ?? "",
                layout: chunkEndpoint == nil ? nil : served.file.layout
            )
        )
    }

    private func tell(_ change: TopologyChange) { _ = steps.post(.topology(change)) }

    private mutating func send(_ message: ControlMessage, to peer: Peer) {
        do throws(MessagingError) {
            try socket.send(message.encode(), to: peer)
        } catch {
            // Whoever is gone says hello again; whoever does not read is noticed by silence.
            ownDrops.count(.unanswered)
            logger.debug("Message not sent", metadata: ["reason": "\(error)"])
        }
    }

    private mutating func warn(_ sentence: Logger.Message, of peer: PeerID, reason: String) {
        let name = membership.name(of: peer)
        let sender = name.map { PeerWarnings.Sender.worker($0) } ?? .peer(Peer(peer.bytes))
        story.warn(sentence, of: sender, reason: reason, now: clock.now)
    }
}

extension Membership.Action {
    /// Whether it may go before what waits for the disk: it tells nothing of plans.
    fileprivate var overtakes: Bool {
        switch self {
        case .replyHeartbeat, .refuse: true
        default: false
        }
    }
}

extension Membership.Hello {
    init(_ hello: Hello) {
        self.init(
            protocolVersion: hello.protocolVersion,
            name: hello.name,
            incarnation: hello.incarnation,
            model: hello.model,
            heldEpoch: hello.heldEpoch,
            heldExpertCount: hello.heldExpertCount,
            memoryByteCount: hello.memoryByteCount,
            lossy: hello.lossy
        )
    }
}

extension Membership.Heartbeat {
    init(_ heartbeat: Heartbeat) {
        self.init(
            sequence: heartbeat.sequence,
            incarnation: heartbeat.incarnation,
            vitals: Membership.Vitals(
                rowsComputed: heartbeat.rowsComputed,
                sharesComputed: heartbeat.sharesComputed,
                residentByteCount: heartbeat.residentByteCount,
                drops: heartbeat.drops,
                supply: heartbeat.supply
            )
        )
    }
}
