public import Placement

/// Who is in the cluster, what each worker holds, and whether the cluster can compute.
///
/// The coordinator's side of the control connections. Workers say hello, get a number for this life
/// (their incarnation), the manifest and their experts, load them, and send heartbeats.
/// Once everyone expected is here, membership makes a plan, unless it was given one. A pure value:
/// the caller passes `now`, carries the actions out in order, and calls `tick` at `nextDeadline`,
/// after passing on what has arrived, so that its own stall is not taken for the workers'.
public struct Membership: Equatable, Sendable {
    public let setup: Setup
    public let limits: Limits
    /// The plan in force, or nil until everyone expected has joined once.
    public internal(set) var plan: Plan?
    /// The plan that workers load for, beside what they hold; it comes into force when they have.
    public internal(set) var next: Plan?
    public internal(set) var isReady = false
    /// `[worker]` of the plan, the present life of those that serve; nil where one does not.
    public private(set) var serving: [Incarnation?] = []
    /// Why experts of lost workers are not held by others, or empty.
    public internal(set) var recoveryObstacle = ""
    /// Whether every expert could be computed at some time in this life.
    var wasReady = false
    /// Earlier plans, which steps may still use, and the epoch under which workers hold all.
    var kept: Holding?
    /// The plan that the step thread said last that it uses.
    var adopted: Epoch?
    /// The change of plan under way, if there is one.
    public internal(set) var migration: Migration?
    /// Workers that are to be given nothing, by an operator's wish.
    public internal(set) var drained: Set<WorkerName>
    /// The plan before others took over what lost workers held, or nil where none did.
    var home: Plan?
    /// Since when every worker of the plan serves.
    var completeSince: Instant?
    /// When it was last looked what is missing.
    var lastAdvance = Instant(nanoseconds: .min)
    /// Of the plan that `serving` was told for.
    private var servingEpoch: Epoch?
    public internal(set) var drops = DropCounts()

    /// Experts of each of the plan's workers; `[worker]`.
    var expertCounts: [Int]
    var members: [WorkerName: Member] = [:]
    /// Connections that said hello, by the name they were welcomed under.
    var names: [PeerID: WorkerName] = [:]
    var lastIncarnation: Incarnation
    var lastEpoch: Epoch
    /// Of the last assignment; begins with the life's number, as incarnations do.
    private var lastSerial: UInt64

    public init(setup: Setup, limits: Limits = Limits()) {
        self.setup = setup
        self.limits = limits
        plan = setup.plan
        drained = setup.drained
        expertCounts = setup.plan?.expertCounts ?? []
        lastIncarnation = setup.lastIncarnation
        lastSerial = setup.lastIncarnation.rawValue
        lastEpoch = max(setup.lastEpoch, setup.plan?.epoch ?? setup.lastEpoch)
        for name in expectedNames ?? [] {
            members[name] = Member(name: name)
        }
    }

    /// The names that may join, or nil while anyone may.
    var expectedNames: [WorkerName]? {
        if let plan {
            // Those that a change of plan needs may come before it is in force.
            let others = (migration?.stages.last?.plan.workers ?? []) + (assigned?.workers ?? [])
            return plan.workers + Set(others).subtracting(plan.workers).sorted()
        }
        guard case .names(let names) = setup.expected else { return nil }
        return names
    }

    /// When to call `tick`: when the next worker would count as lost, needs a reminder, or has been
    /// lost for long enough.
    public var nextDeadline: Instant? {
        let next = members.values.lazy.filter(\.isConnected).map { member in
            let loss = member.lastHeard + limits.silenceLimit
            return member.reminderTime(limits).map { min(loss, $0) } ?? loss
        }.min()
        return [next, advanceTime].compactMap { $0 }.min()
    }

    /// Whether the name is in the cluster, or expected to be.
    public func isMember(_ name: WorkerName) -> Bool { members[name] != nil }

    /// The worker behind a connection, or nil where it said no hello or was replaced.
    public func name(of peer: PeerID) -> WorkerName? { names[peer] }

    /// The connection of a worker that is not lost.
    public func peer(of name: WorkerName) -> PeerID? {
        members[name].flatMap { $0.isConnected ? $0.peer : nil }
    }

    /// Declares workers lost that were silent for too long, and repeats assignments that nothing
    /// was heard of.
    ///
    /// A connection that broke and came back by itself may have lost the assignment or the answer;
    /// a worker takes a repeated assignment as a question how far it is.
    public mutating func tick(now: Instant) -> [Action] {
        var actions: [Action] = []
        for member in members.values.sorted(by: { $0.name < $1.name }) where member.isConnected {
            let silence = now - member.lastHeard
            if silence >= limits.silenceLimit {
                disconnect(member.name, loss: .silent(silence), now: now, &actions)
            } else if let reminder = member.reminderTime(limits), reminder <= now {
                sendAssignment(to: member.name, now: now, &actions)
            }
        }
        return finish(actions, now: now)
    }
}

// MARK: - Reports from workers

extension Membership {
    public mutating func onHeartbeat(
        _ heartbeat: Heartbeat,
        from peer: PeerID,
        now: Instant
    ) -> [Action] {
        var actions: [Action] = []
        guard let name = hear(from: peer, now: now, &actions) else { return actions }
        guard members[name]?.incarnation == heartbeat.incarnation else {
            drops.count(.staleIncarnation)
            return finish(actions, now: now)
        }
        members[name]?.vitals = heartbeat.vitals
        actions.append(.replyHeartbeat(peer, sequence: heartbeat.sequence))
        return finish(actions, now: now)
    }

    public mutating func onLoadProgress(
        epoch: Epoch,
        loadedByteCount: UInt64,
        totalByteCount: UInt64,
        from peer: PeerID,
        now: Instant
    ) -> [Action] {
        onLoad(of: epoch, from: peer, now: now) { member in
            guard case .loading = member.load else { return }
            member.load = .loading(loaded: loadedByteCount, total: totalByteCount)
        }
    }

    /// The worker holds all that it was assigned under `epoch`.
    public mutating func onLoaded(epoch: Epoch, from peer: PeerID, now: Instant) -> [Action] {
        onLoad(of: epoch, from: peer, now: now) { member in
            member.load = .loaded
            // Whoever is ready for the next plan holds what the present one gives it.
            member.isHolding = true
        }
    }

    /// The worker cannot hold its experts.
    ///
    /// It stays connected and tries again by another hello.
    public mutating func onLoadFailed(
        epoch: Epoch,
        code: LoadFailureCode,
        reason: String,
        from peer: PeerID,
        now: Instant
    ) -> [Action] {
        let reason = shortened(reason)
        return onLoad(of: epoch, from: peer, now: now) { $0.load = .failed(code, reason) }
    }

    /// What workers were last told to hold.
    public var assigned: Holding? {
        guard let plan else { return nil }
        let plans = (kept?.plans ?? []) + [plan] + (next.map { [$0] } ?? [])
        return Holding(epoch: next?.epoch ?? kept?.epoch ?? plan.epoch, plans: plans)
    }

    /// The worker wants to leave: it computes what it was sent, but should be sent nothing more.
    public mutating func onDrain(from peer: PeerID, now: Instant) -> [Action] {
        var actions: [Action] = []
        guard let name = hear(from: peer, now: now, &actions) else { return actions }
        members[name]?.isDraining = true
        return finish(actions, now: now)
    }

    public mutating func onGoodbye(
        reason: String,
        from peer: PeerID,
        now: Instant
    ) -> [Action] {
        guard let name = names[peer] else {
            drops.count(.unknownPeer)
            return []
        }
        var actions: [Action] = []
        let reason = shortened(reason)
        disconnect(name, loss: .goodbye(reason), now: now, &actions)
        names[peer] = nil
        members[name]?.peer = nil
        return finish(actions, now: now)
    }

    /// The worker lives but is of no use: this life of it is over, and its process begins another.
    ///
    /// Under the new number it opens a new data connection, which none can be mistaken for.
    public mutating func onUnreachable(
        _ name: WorkerName,
        _ loss: Loss = .unreachable,
        now: Instant
    ) -> [Action] {
        guard let member = members[name], member.isConnected, let peer = member.peer else {
            return []
        }
        var actions: [Action] = []
        disconnect(name, loss: loss, now: now, &actions)
        names[peer] = nil
        members[name]?.peer = nil
        // A number that no process was given, so that the next hello counts as a new life.
        lastIncarnation = Incarnation(rawValue: lastIncarnation.rawValue &+ 1)
        members[name]?.incarnation = lastIncarnation
        actions.append(.refuse(peer, .helloExpected, "\(loss); say hello again"))
        return finish(actions, now: now)
    }

    /// Asks a worker to leave once it has computed what it was sent.
    public mutating func drain(_ name: WorkerName, now: Instant) -> [Action] {
        guard let member = members[name], member.isConnected, let peer = member.peer else {
            return []
        }
        members[name]?.isDraining = true
        return finish([.drain(peer)], now: now)
    }

    /// Tells everyone that the coordinator stops, so that they look for its next life at once.
    public func shutDown() -> [Action] {
        members.values.filter(\.isConnected).compactMap(\.peer).sorted().map {
            .refuse($0, .shuttingDown, "the coordinator is shutting down")
        }
    }

    private mutating func onLoad(
        of epoch: Epoch,
        from peer: PeerID,
        now: Instant,
        _ update: (inout Member) -> Void
    ) -> [Action] {
        var actions: [Action] = []
        guard let name = hear(from: peer, now: now, &actions), var member = members[name] else {
            return actions
        }
        guard let assigned, assigned.epoch == epoch, member.load != .unassigned else {
            drops.count(.staleEpoch)
            return finish(actions, now: now)
        }
        update(&member)
        member.loadHeard = now
        members[name] = member
        return finish(actions, now: now)
    }
}

// MARK: - Shared steps

extension Membership {
    /// Notes that a connection is alive; one that never said hello is asked to.
    ///
    /// A worker that counted as lost, but was only asleep, is back with what it held.
    private mutating func hear(
        from peer: PeerID,
        now: Instant,
        _ actions: inout [Action]
    ) -> WorkerName? {
        guard let name = names[peer], members[name] != nil else {
            drops.count(.unknownPeer)
            actions.append(.refuse(peer, .helloExpected, "say hello first"))
            return nil
        }
        members[name]?.lastHeard = now
        if members[name]?.isConnected == false {
            members[name]?.link = .connected
            actions.append(.returned(name))
            // Meanwhile others may have been told to hold something else.
            let isCurrent = members[name]?.assignedEpoch == assigned?.epoch
            if assigned != nil, !isCurrent { assign(name, now: now, &actions) }
        }
        return name
    }

    /// Takes a worker out of service; its shares must not be waited for.
    mutating func disconnect(
        _ name: WorkerName,
        loss: Loss,
        now: Instant,
        _ actions: inout [Action]
    ) {
        guard let member = members[name], member.isConnected else { return }
        members[name]?.link = .lost(loss, since: now)
        members[name]?.isDraining = false
        actions.append(.lost(name, loss))
        guard expectedNames?.contains(name) != true else { return }
        // Nobody waits for this name, so it must not keep a place or memory.
        members[name] = nil
        if let peer = member.peer { names[peer] = nil }
    }

    /// Adds what follows from the new state: plans, who serves, readiness.
    mutating func finish(_ actions: [Action], now: Instant) -> [Action] {
        var actions = actions
        makePlanIfComplete(now: now, &actions)
        advance(now: now, &actions)
        tellServing(now: now, &actions)
        return actions
    }

    private mutating func tellServing(now: Instant, _ actions: inout [Action]) {
        guard let plan else { return }
        let serving = plan.workers.map { name in
            members[name].flatMap { $0.isServing ? $0.incarnation : nil }
        }
        guard serving != self.serving || plan.epoch != servingEpoch else { return }
        self.serving = serving
        servingEpoch = plan.epoch
        actions.append(.serving(serving))
        let isReady = plan.isCovered { serving[$0] != nil }
        wasReady = wasReady || isReady
        guard isReady != self.isReady else { return }
        self.isReady = isReady
        actions.append(isReady ? .becameReady(plan.epoch) : .becameUnready(status(now: now)))
    }

    private mutating func makePlanIfComplete(now: Instant, _ actions: inout [Action]) {
        guard plan == nil else { return }
        let joined = members.values.filter(\.isConnected).map(\.name).sorted()
        guard joined.count >= setup.expected.count, !joined.isEmpty else { return }
        lastEpoch = Epoch(rawValue: lastEpoch.rawValue &+ 1)
        let plan = Plan.contiguous(
            workers: joined,
            expertCounts: setup.expertCounts,
            epoch: lastEpoch
        )
        self.plan = plan
        expertCounts = plan.expertCounts
        actions.append(.record(plan))
        for name in joined { assign(name, now: now, &actions) }
    }

    func shortened(_ reason: String) -> String {
        String(decoding: reason.utf8.prefix(limits.reasonByteCount), as: UTF8.self)
    }

    mutating func assign(_ name: WorkerName, now: Instant, _ actions: inout [Action]) {
        // One that only a later stage needs has nothing to load yet.
        guard assigned?.names(name) == true else { return }
        members[name]?.load = .loading(loaded: 0, total: 0)
        sendAssignment(to: name, now: now, &actions)
    }

    private mutating func sendAssignment(
        to name: WorkerName,
        now: Instant,
        _ actions: inout [Action]
    ) {
        guard let assigned, assigned.names(name), let peer = members[name]?.peer else { return }
        if case .failed = members[name]?.load {
            members[name]?.load = .loading(loaded: 0, total: 0)
        }
        members[name]?.loadHeard = now
        members[name]?.assignedEpoch = assigned.epoch
        actions.append(.sendManifest(peer))
        // Whoever does not serve yet is needed as soon as can be.
        let isServing = members[name]?.isHolding == true
        let isInBackground = isServing && migration?.isLoading == true
        let bandwidth = isInBackground ? migration?.bandwidth ?? 0 : 0
        let slices = assigned.slices(of: name)
        lastSerial &+= 1
        actions.append(
            .assign(peer, assigned.epoch, slices, bandwidth: bandwidth, serial: lastSerial)
        )
    }
}
