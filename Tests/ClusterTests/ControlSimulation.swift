import Cluster
import Model
import Placement
import Testing

/// The control connections of a small cluster, simulated on one thread.
struct ControlSimulation {
    enum Message {
        case toCoordinator(PeerID, (inout Membership, PeerID, Instant) -> [Membership.Action])
        case toWorker(Int, PeerID, (inout WorkerSession, Instant) -> [WorkerSession.Action])
    }

    struct Process {
        var session: WorkerSession
        var peer = PeerID([])
        var asleepUntil = 0
        /// When the load under way will be done, and of which epoch.
        var load: (epoch: Epoch, at: Int)?
    }

    private(set) var membership: Membership
    private(set) var processes: [Process] = []
    /// Incarnations in the order they were given out.
    private(set) var numbers: [Incarnation] = []
    private(set) var log: [String] = []
    private var plan: Plan?
    private var mail: [(at: Int, message: Message)] = []
    /// When the last message over a connection arrives: those behind it come no earlier.
    private var lastArrivals: [PeerID: Int] = [:]
    private var generator: SeededGenerator
    private var clock = 0
    private var nextPeer: UInt16 = 0
    private var trouble = false

    var now: Instant { at(clock) }

    init(seed: UInt64) throws {
        generator = SeededGenerator(seed: seed)
        membership = Self.coordinator(plan: nil, after: .unnumbered)
        for index in 0..<3 {
            processes.append(Process(session: try newSession(index)))
        }
    }

    /// What each worker holds, and what the plan gives it.
    var held: [Set<ExpertID>] {
        processes.map { process in
            let all = (0..<2).flatMap { layer in (0..<8).map { expert(layer, $0) } }
            return Set(all.filter { process.session.holds($0) })
        }
    }

    var planned: [Set<ExpertID>] {
        processes.map { process in
            guard let plan, let index = plan.index(of: process.session.identity.name) else {
                return []
            }
            return Set(plan.experts(of: index))
        }
    }

    mutating func run(milliseconds: Int, trouble: Bool) {
        self.trouble = trouble
        let end = clock + milliseconds
        while clock < end {
            clock += 10
            if trouble { makeTrouble() }
            deliver()
            for index in processes.indices where processes[index].asleepUntil <= clock {
                work(index)
            }
            carryOut(membership.tick(now: now))
        }
    }

    private static func coordinator(plan: Plan?, after last: Incarnation) -> Membership {
        Membership(
            setup: Membership.Setup(
                protocolVersions: 1...1,
                model: model(1),
                expertCounts: [8, 8],
                expected: .count(3),
                plan: plan,
                lastIncarnation: last
            )
        )
    }

    private mutating func newSession(_ index: Int) throws -> WorkerSession {
        WorkerSession(
            identity: WorkerSession.Identity(
                protocolVersion: 1,
                name: try name("w\(index)"),
                model: nil
            ),
            seed: generator.next()
        )
    }

    /// About every ten seconds a process dies, sleeps, or is the coordinator.
    private mutating func makeTrouble() {
        let index = Int.random(in: 0..<3, using: &generator)
        switch Int.random(in: 0..<2000, using: &generator) {
        case 0:
            guard let session = try? newSession(index) else { return }
            processes[index] = Process(session: session)
        case 1:
            processes[index].asleepUntil = clock + Int.random(in: 0..<9000, using: &generator)
        case 2:
            membership = Self.coordinator(plan: plan, after: numbers.last ?? .unnumbered)
        default:
            break
        }
    }

    private mutating func work(_ index: Int) {
        if let load = processes[index].load, load.at <= clock {
            processes[index].load = nil
            if Int.random(in: 0..<8, using: &generator) == 0, trouble {
                carryOut(
                    processes[index].session.onLoadFailed(
                        epoch: load.epoch,
                        code: .unreadable,
                        reason: "disk",
                        now: now
                    ),
                    of: index
                )
            } else {
                carryOut(processes[index].session.onLoaded(epoch: load.epoch), of: index)
            }
        }
        carryOut(processes[index].session.start(now: now), of: index)
        carryOut(processes[index].session.tick(now: now), of: index)
    }

    // MARK: - Network

    /// Connections keep the order, but break and come back, which loses messages.
    private mutating func post(_ message: Message, over peer: PeerID) {
        guard !trouble || Int.random(in: 0..<10, using: &generator) > 0 else { return }
        let delay = Int.random(in: 0...(trouble ? 300 : 20), using: &generator)
        let arrival = max(clock + delay, lastArrivals[peer, default: 0])
        lastArrivals[peer] = arrival
        mail.append((arrival, message))
        #expect(mail.count < 10_000, "the network fills up")
    }

    private mutating func deliver() {
        let due = mail.filter { isDue($0.at, $0.message) }
        mail = mail.filter { !isDue($0.at, $0.message) }
        for (_, message) in due {
            switch message {
            case .toCoordinator(let peer, let handle):
                carryOut(handle(&membership, peer, now))
            case .toWorker(let index, let peer, let handle):
                // A connection that was replaced delivers nothing more.
                guard processes[index].peer == peer else { continue }
                carryOut(handle(&processes[index].session, now), of: index)
            }
        }
    }

    /// A process that sleeps finds its messages when it wakes.
    private func isDue(_ arrival: Int, _ message: Message) -> Bool {
        guard arrival <= clock else { return false }
        guard case .toWorker(let index, _, _) = message else { return true }
        return processes[index].asleepUntil <= clock
    }

    // MARK: - Actions

    private mutating func carryOut(_ actions: [Membership.Action]) {
        for action in actions {
            log.append("\(clock) \(action)")
            switch action {
            case .recordIncarnation(let number): numbers.append(number)
            case .record(let plan): self.plan = plan
            case .refuse(let peer, let code, let text):
                send(to: peer) { $0.onRefusal(code, reason: text, now: $1) }
            case .welcome(let peer, _, let incarnation):
                let welcome = WorkerSession.Welcome(
                    incarnation: incarnation,
                    heartbeatInterval: .milliseconds(500),
                    silenceLimit: .seconds(5)
                )
                send(to: peer) { $0.onWelcome(welcome, now: $1) }
            case .sendManifest(let peer):
                let manifest = WorkerSession.Manifest(
                    model: model(1),
                    layerCount: 2,
                    expertCount: 8
                )
                send(to: peer) { $0.onManifest(manifest, now: $1) }
            case .assign(let peer, let epoch, let experts):
                let assigned = experts.map {
                    WorkerSession.AssignedExpert($0, digest: digest($0.index))
                }
                send(to: peer) { $0.onAssignment(epoch: epoch, experts: assigned, now: $1) }
            case .replyHeartbeat(let peer, _):
                send(to: peer) { session, now in
                    session.onHeartbeatReply(now: now)
                    return []
                }
            case .drain, .lost, .returned, .becameReady, .becameUnready:
                break
            }
        }
    }

    private mutating func carryOut(_ actions: [WorkerSession.Action], of index: Int) {
        for action in actions {
            log.append("\(clock) \(index) \(action)")
            switch action {
            case .connect:
                nextPeer += 1
                processes[index].peer = PeerID([UInt8(nextPeer >> 8), UInt8(nextPeer & 255)])
            case .sayHello(let hello):
                send(from: index) { $0.onHello(hello, from: $1, now: $2) }
            case .load(let epoch, _):
                let time = Int.random(in: 0..<3000, using: &generator)
                processes[index].load = (epoch, clock + time)
            case .cancelLoad:
                processes[index].load = nil
            case .reportLoaded(let epoch):
                send(from: index) { $0.onLoaded(epoch: epoch, from: $1, now: $2) }
            case .reportLoadFailed(let epoch, let code, let reason):
                send(from: index) {
                    $0.onLoadFailed(epoch: epoch, code: code, reason: reason, from: $1, now: $2)
                }
            case .sendHeartbeat(let sequence, let incarnation):
                let beat = Membership.Heartbeat(sequence: sequence, incarnation: incarnation)
                send(from: index) { $0.onHeartbeat(beat, from: $1, now: $2) }
            case .drop, .reportProgress, .announceDrain, .sayGoodbye, .stop:
                break
            }
        }
    }

    private mutating func send(
        to peer: PeerID,
        _ handle: @escaping (inout WorkerSession, Instant) -> [WorkerSession.Action]
    ) {
        guard let index = processes.firstIndex(where: { $0.peer == peer }) else { return }
        post(.toWorker(index, peer, handle), over: peer)
    }

    private mutating func send(
        from index: Int,
        _ handle: @escaping (inout Membership, PeerID, Instant) -> [Membership.Action]
    ) {
        let peer = processes[index].peer
        post(.toCoordinator(peer, handle), over: peer)
    }
}
