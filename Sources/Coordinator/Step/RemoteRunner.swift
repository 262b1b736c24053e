import Cluster
import Generation
import Messaging
import Model
import Placement
import Tensors
import Wire

/// Computes a layer's experts on the workers: shares out, partial rows back.
///
/// The shell of `Exchange`, on the step thread, which owns the data socket. A trip is what lies
/// between `start` and `finish`; what arrives for another trip under way waits for its turn, and
/// whatever belongs to none is dropped. A step runs under one plan, unless what it needs is held
/// by nobody any more: then it goes on under the next one.
final class RemoteRunner: ExpertRunner {
    private let model: ModelDescription
    let socket: any MessageSocket
    private let inbox: StepInbox
    let clock: LoopClock
    private let limits: Exchange.Limits
    private let wireLimits = WireLimits()
    private let rest: () -> Void
    private let sleep: Sleep
    private let log: (RunnerEvent) -> Void
    private var warnings = ReportLimiter()
    /// What came to the socket, how long trips took and what shares cost.
    private var figures: RunnerFigures
    /// What the engine that uses it counts.
    var engineFigures: () -> EngineFigures = { EngineFigures() }
    /// Messages that were not acted on, beside those that the exchange counts.
    private var ownDrops = DropCounts()

    /// The plan in force, or nil until there is one.
    private var plan: Plan?
    /// Where its workers were reached last.
    var peers: [Peer] = []
    /// Whether a share has left for there.
    var isReached: [Bool] = []
    /// What the next step is to run under.
    private var next: Topology?
    /// The plan that was gone over to, until no answer is awaited under an older one.
    private var untold: Epoch?
    /// Rows of the next step at most.
    private(set) var mostRows = Int.max
    /// Whether a step has begun and may go on.
    private var isInStep = false
    var exchange: Exchange
    /// Trips of the step's batches, by part.
    private var trips: [Trip?] = []
    /// What ended every trip under way, until the step hears of it.
    private var failure: ExpertRunnerError?
    /// Why there is no plan in force, for people.
    private(set) var unreadiness = "no worker has joined yet"
    /// Messages that are written, and the one that was received last.
    private var outgoing: [FrameList] = []
    private var messagesInUse = 0
    private var arrival = FrameList()
    /// In which further answers can wait.
    private var spare: [FrameList] = []
    var hints = Hints()
    var outlook = OutlookNews()
    /// What is done about workers that give accuracy for speed.
    var lossy: LossyWorkers

    /// A connection that was just announced may take this long to be there.
    private static let connectTime = Duration.seconds(1)

    /// Messages taken before deadlines and topology get their turn.
    private static let turn = 64

    /// - Parameters:
    ///   - firstShare: a number that no other life of the coordinator uses.
    ///   - lossy: which of them are taken.
    ///   - rest: lets others have the cores of threads that have nothing to compute.
    init(
        model: ModelDescription,
        socket: any MessageSocket,
        inbox: StepInbox,
        clock: LoopClock,
        firstShare: ShareID,
        limits: Exchange.Limits,
        figures: Latest<StepFigures>,
        lossy: LossyWorkers,
        rest: @escaping () -> Void,
        sleep: @escaping Sleep,
        log: @escaping (RunnerEvent) -> Void
    ) {
        self.model = model
        self.socket = socket
        self.inbox = inbox
        self.clock = clock
        self.limits = limits
        self.figures = RunnerFigures(figures, expertCount: model.expertCount)
        self.lossy = lossy
        self.rest = rest
        self.sleep = sleep
        self.log = log
        exchange = Exchange(dispatch: .none, firstShare: firstShare, limits: limits)
    }

    /// Rows of experts computed by each worker so far.
    var rowCounts: [WorkerRows] { figures.rowCounts }

    /// Whether every expert is held by a worker that serves.
    var isReady: Bool { plan != nil && exchange.isCovered }

    // MARK: The runner's calls

    func start(
        _ index: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        apply(inbox.takeChanges())
        if let failure { throw failure }
        // A step that runs again begins under the plan that came meanwhile.
        if !isInStep { adoptNext() }
        guard plan != nil else { throw .notReady(reason: unreadiness) }
        isInStep = true
        outlook.onStep()
        // Workers on this machine, and the threads that send, may need the cores of helpers.
        rest()
        while trips.count <= index { trips.append(nil) }
        lossy.start(index, routing)
        let now = clock.now
        let begun = exchange.begin(part: index, layer: layer, routing: routing, now: now)
        trips[index] = Trip(
            id: begun.trip,
            layer: layer,
            activations: activations,
            times: TripTimes(rowCount: routing.rowCount, begun: now)
        )
        perform(begun.actions)
        trips[index]?.times.sent = clock.now
    }

    func finish(_ index: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        trips[index]?.times.awaited = clock.now
        addEarly(index, to: &sums)
        while true {
            receive(finishing: index, into: &sums)
            apply(inbox.takeChanges())
            if inbox.isStopRequested { fail(.notReady(reason: "the coordinator is shutting down")) }
            retryUnsent()
            perform(exchange.tick(now: clock.now))
            if let failure { throw failure }
            guard let trip = trips[index], !exchange.isComplete(trip.id) else { break }
            wait()
        }
        if let trip = trips[index] { figures.count(trip.times, of: trip.layer) }
        trips[index] = nil
    }

    /// However the trips end, nothing that comes later belongs to them.
    func cancel() {
        exchange.cancel()
        for index in trips.indices { trips[index] = nil }
        failure = nil
        isInStep = false
        lossy.uses.restart()
    }

    /// Between steps: follows topology changes and drops what late workers still send.
    func idle() {
        isInStep = false
        apply(inbox.takeChanges())
        adoptNext()
        tellAdopted()
        var nothing: [Double] = []
        receive(finishing: nil, into: &nothing)
        if figures.isDue(clock.now) { tellFigures() }
    }

    // MARK: Actions

    /// All shares are written before the first is sent: a worker that wakes up on this core must
    /// not keep the others' from leaving.
    private func perform(_ actions: [Exchange.Action]) {
        // A share that cannot be sent has actions of its own, which come in between.
        let first = messagesInUse
        messagesInUse += actions.count
        defer { messagesInUse = first }
        for (place, action) in actions.enumerated() { write(action, into: message(first + place)) }
        let now = clock.now
        for (place, action) in actions.enumerated() {
            switch action {
            case .send: send(action, as: message(first + place), since: now)
            case .park(_, let layer, let experts): log(.waiting(layer, experts: experts))
            case .giveUp(let worker): log(.unreachable(exchange.workers[worker], .silent))
            case .fail(let error): fail(ExpertRunnerError(error))
            }
        }
    }

    /// One of the messages that are written, made where it was not needed before.
    private func message(_ place: Int) -> FrameList {
        while outgoing.count <= place { outgoing.append(FrameList()) }
        return outgoing[place]
    }

    /// The first reason counts; the others follow from it.
    private func fail(_ error: ExpertRunnerError) {
        if failure == nil, trips.contains(where: { $0 != nil }) { failure = error }
    }

    /// The part that a trip under way belongs to.
    private func part(of trip: Exchange.TripID) -> Int? {
        trips.firstIndex { $0?.id == trip }
    }

    /// Writes a share; nothing where its trip is over.
    private func write(_ action: Exchange.Action, into message: FrameList) {
        message.removeAll()
        guard case .send(let tripID, let place, let id, let attempt, let worker) = action,
            let part = part(of: tripID), let trip = trips[part],
            let share = exchange.share(place, of: tripID), let epoch = exchange.epoch(of: id)
        else { return }
        let choices = lossy.choices(of: share, to: worker, part)
        let header = ShareHeader(
            id: id,
            attempt: attempt,
            epoch: epoch,
            layer: trip.layer,
            rowCount: share.rows.count,
            width: trip.activations.width,
            form: model.layers[trip.layer.rawValue].needsValues ? .values : .quants,
            pairCount: share.pairRows.count,
            hasChoices: !choices.isEmpty
        )
        header.write(
            rows: share.rows,
            of: trip.activations,
            pairRows: share.pairRows,
            pairExperts: share.pairExperts,
            pairWeights: share.pairWeights,
            pairChoices: choices,
            into: message
        )
    }

    private func send(_ action: Exchange.Action, as message: FrameList, since: Instant) {
        guard case .send(let tripID, _, _, _, let worker) = action, !message.isEmpty,
            let part = part(of: tripID)
        else { return }
        do throws(MessagingError) {
            try socket.send(message, to: peers[worker])
            isReached[worker] = true
        } catch .unroutable where !isReached[worker] && clock.now < since + Self.connectTime {
            trips[part]?.unsent.append((action, since))
        } catch {
            let isGone = if case .unroutable = error { true } else { false }
            if isGone { log(.unreachable(exchange.workers[worker], .disconnected)) }
            let reason = isGone ? "its data connection is gone" : "its share was not sent: \(error)"
            perform(
                exchange.onWorkerLost(worker, reason: reason, wasReached: false, now: clock.now)
            )
        }
    }

    private func retryUnsent() {
        for part in trips.indices where failure == nil {
            guard let unsent = trips[part]?.unsent, !unsent.isEmpty else { continue }
            trips[part]?.unsent = []
            for (action, since) in unsent {
                write(action, into: message(0))
                send(action, as: message(0), since: since)
            }
        }
    }

    private func wait() {
        // A share that waits for its connection is tried again soon.
        let hasUnsent = trips.contains { $0?.unsent.isEmpty == false }
        let longest: Duration = hasUnsent ? .milliseconds(2) : .seconds(1)
        let left = exchange.nextDeadline.map { max(.zero, $0 - clock.now) } ?? longest
        do throws(MessagingError) {
            try sleep(min(left, longest))
        } catch {
            fail(.notReady(reason: "the data socket failed: \(error)"))
        }
    }

    // MARK: Topology

    private func apply(_ changes: [TopologyChange]) {
        for change in changes {
            switch change {
            case .changed(let fresh): follow(fresh)
            case .unready(let reason): unreadiness = reason
            case .lost(let name, let reason):
                guard let worker = exchange.workers.firstIndex(of: name) else { continue }
                perform(exchange.onWorkerLost(worker, reason: reason, now: clock.now))
            }
        }
        if exchange.isParked { adoptNext() }
        tellAdopted()
    }

    private func follow(_ fresh: Topology) {
        mostRows = fresh.mostRows
        guard fresh.plan == plan else { return next = fresh }
        meet(fresh)
        perform(exchange.follow(fresh.peers.map { $0 != nil }, now: clock.now))
    }

    /// Notes where workers are reached, and what they are like; one that serves no more may still
    /// answer.
    private func meet(_ fresh: Topology) {
        hints.adopt(fresh.takesHints)
        lossy.adopt(fresh.lossy)
        outlook.onWorkers(fresh.takesOutlooks, now: clock.now)
        for (worker, peer) in fresh.peers.enumerated() {
            guard let peer, peer != peers[worker] else { continue }
            peers[worker] = peer
            isReached[worker] = false
        }
    }

    /// Goes on under another plan, where there is one and the step lets it.
    private func adoptNext() {
        guard let fresh = next, !isInStep || exchange.isParked else { return }
        do throws(PlanError) {
            let dispatch = try Dispatch(plan: fresh.plan)
            guard exchange.canAdopt(dispatch) else { return beginAnew(under: fresh.plan) }
            next = nil
            peers = fresh.knownPeers(of: exchange.workers, peers)
            isReached = peers.map { _ in false }
            plan = fresh.plan
            figures.adopt(fresh.plan.workers)
            meet(fresh)
            let serving = fresh.peers.map { $0 != nil }
            let unsent = trips.indices.flatMap { trips[$0]?.takeUnsent() ?? [] }
            perform(exchange.adopt(dispatch, serving: serving, now: clock.now))
            for share in unsent { perform(exchange.recall(share, now: clock.now)) }
            untold = fresh.plan.epoch
        } catch {
            // Plans were checked before they came here.
            next = nil
            unreadiness = "\(error)"
        }
    }

    /// Workers may let go of what only older plans gave them, once they have answered.
    private func tellAdopted() {
        guard let epoch = untold, !exchange.awaitsOlderPlan else { return }
        untold = nil
        log(.adopted(epoch))
    }

    /// What waits for shards that the next plan does not have is not waited for: the step ends, to
    /// run again under that plan.
    private func beginAnew(under fresh: Plan) {
        guard failure == nil, let layer = trips.lazy.compactMap({ $0?.layer }).first else { return }
        log(.begunAnew(layer, fresh.epoch))
        fail(.cutChanged(layer: layer))
    }

    // MARK: Answers

    /// - Parameter index: the part whose sums these are, nil between steps.
    private func receive(finishing index: Int?, into sums: inout [Double]) {
        do throws(MessagingError) {
            for _ in 0..<Self.turn {
                guard try socket.receive(into: arrival) else { return }
                handleArrival(finishing: index, sums: &sums)
            }
        } catch {
            fail(.notReady(reason: "the data socket failed: \(error)"))
        }
    }

    /// Tells the loop thread what was counted.
    func tellFigures() {
        var drops = ownDrops
        drops.add(exchange.strays)
        figures.tell(
            SocketTraffic(of: socket, drops: drops),
            engineFigures(),
            lossy.uses.all,
            workerCount: exchange.workers.count,
            now: clock.now
        )
    }

    private func handleArrival(finishing index: Int?, sums: inout [Double]) {
        let header: DataHeader
        do throws(WireError) {
            header = try DataHeader(frames: arrival, limits: wireLimits)
        } catch {
            return drop(.malformed, "\(error)", from: arrival.peer)
        }
        guard let worker = peers.firstIndex(where: { $0 == arrival.peer }) else {
            let reason = "from no worker of the plan in force"
            return drop(.unknownPeer, reason, from: arrival.peer)
        }
        switch header {
        case .partialRows(let rows):
            accept(rows, from: worker, finishing: index, into: &sums)
        case .shareRefused(let refusal):
            let actions = exchange.onRefused(
                refusal.id,
                attempt: refusal.attempt,
                from: worker,
                code: refusal.code,
                reason: refusal.text,
                now: clock.now
            )
            // What nobody waits for has no consequences.
            if !actions.isEmpty {
                log(.refused(exchange.workers[worker], refusal.code, reason: refusal.text))
            }
            perform(actions)
        case .share, .hint, .outlook: drop(.unexpected, "a worker's message", from: arrival.peer)
        }
    }

    /// Takes an answer, which lies in `arrival`, where it is wanted.
    private func accept(
        _ rows: PartialRowsHeader,
        from worker: Int,
        finishing finished: Int?,
        into sums: inout [Double]
    ) {
        let reply = exchange.onReply(
            rows.id,
            attempt: rows.attempt,
            epoch: rows.epoch,
            from: worker
        )
        guard case .accept(let tripID, let index, _) = reply, let part = part(of: tripID),
            let trip = trips[part], let share = exchange.share(index, of: tripID)
        else {
            if case .drop(let stray) = reply {
                warn("an answer that is \(stray)", about: peers[worker])
            }
            return
        }
        let fault = rows.fault(asAnswerTo: share, of: trip.layer, width: model.hiddenSize)
        if let reason = fault ?? lossy.fault(rows, in: arrival, of: share, from: worker) {
            warn(reason, about: peers[worker])
            return perform(exchange.reject(index, of: tripID, reason: reason, now: clock.now))
        }
        lossy.count(rows, in: arrival, of: share, (trip.layer, part), by: exchange.dispatch)
        figures.count(
            share,
            computing: rows.computeTime,
            away: clock.now - trip.times.sent,
            of: exchange.workers[worker]
        )
        trips[part]?.times.computing = max(trip.times.computing, rows.computeTime)
        trips[part]?.times.computingTogether += rows.computeTime
        guard part != finished else { return add(rows, in: arrival, part, index, to: &sums) }
        trips[part]?.early.append((index, rows, arrival))
        arrival = spare.popLast() ?? FrameList()
    }

    /// Adds what came while another part was finished.
    private func addEarly(_ part: Int, to sums: inout [Double]) {
        guard let early = trips[part]?.early, !early.isEmpty else { return }
        trips[part]?.early = []
        for (share, rows, frames) in early {
            add(rows, in: frames, part, share, to: &sums)
            frames.removeAll()
            spare.append(frames)
        }
    }

    /// Adds the rows of an answer to the rows of the batch that its share was made of.
    private func add(
        _ rows: PartialRowsHeader,
        in frames: FrameList,
        _ part: Int,
        _ share: Int,
        to sums: inout [Double]
    ) {
        guard let trip = trips[part], let share = exchange.share(share, of: trip.id) else { return }
        let start = clock.now
        let hidden = model.hiddenSize
        for (place, row) in share.rows.enumerated() {
            let target = Int(row) * hidden
            rows.add(row: place, of: frames, to: &sums, from: target)
        }
        let end = clock.now
        trips[part]?.times.adding += end - start
        trips[part]?.times.done = end
    }

    private func drop(_ reason: DropCounts.Reason, _ text: String, from peer: Peer?) {
        ownDrops.count(reason)
        warn(text, about: peer)
    }

    /// Tells operators, a few times per second.
    private func warn(_ reason: String, about peer: Peer?) {
        guard let heldBack = warnings.admit(now: clock.now) else { return }
        log(.malformed(reason, from: peer, heldBack: heldBack))
    }
}
