import Cluster
package import Messaging
import Model
package import Placement
import Tensors
import Wire

/// Computes a layer's experts on the workers: shares out, partial rows back.
///
/// The shell of `Exchange`, on the step thread, which owns the data socket. A trip is what lies
/// between `start` and `finish`; what arrives for another trip under way waits for its turn, and
/// whatever belongs to none is dropped.
final class RemoteRunner: ExpertRunner {
    private let model: ModelDescription
    private let socket: any MessageSocket
    private let inbox: StepInbox
    private let clock: LoopClock
    private let limits: Exchange.Limits
    private let wireLimits = WireLimits()
    private let rest: () -> Void
    private let sleep: Sleep
    private let log: (RunnerEvent) -> Void
    private var warnings = ReportLimiter()
    /// Where the loop thread looks for what came to the socket and how long trips took.
    private let figures: Latest<StepFigures>
    private var profile = TripProfile()
    private var nextTelling = Instant(nanoseconds: .min)
    /// Messages that were not acted on, beside those that the exchange counts.
    private var ownDrops = DropCounts()

    /// The plan in force, or nil while the cluster is not ready.
    private var topology: Topology?
    private var dispatch: Dispatch?
    private var exchange: Exchange
    /// Batches of the step, by part.
    private var parts: [Part] = []
    /// What ended every trip under way, until the step hears of it.
    private var failure: ExpertRunnerError?
    /// Why there is no plan in force, for people.
    private(set) var unreadiness = "no worker has joined yet"
    /// Rows of experts computed by each worker so far.
    private(set) var rowCounts: [WorkerRows] = []
    /// Messages that are written, and the one that was received last.
    private var outgoing: [FrameList] = []
    private var messagesInUse = 0
    private var arrival = FrameList()
    /// In which further answers can wait.
    private var spare: [FrameList] = []

    /// A part of the step's rows, and its memory.
    private struct Part {
        var trip: Trip?
        /// Those that have work come first.
        var shares: [WorkerShare] = []
    }

    /// One layer's visit to the workers.
    private struct Trip {
        let id: Exchange.TripID
        let layer: LayerIndex
        let activations: Activations
        /// Shares whose worker's data connection is not there yet, and since when.
        var unsent: [(action: Exchange.Action, since: Instant)] = []
        /// Answers that came while another part's were awaited, where they lie.
        var early: [(share: Int, rows: PartialRowsHeader, frames: FrameList)] = []
        var times: TripTimes
    }

    /// A connection that was just announced may take this long to be there.
    private static let connectTime = Duration.seconds(1)

    /// Messages taken before deadlines and topology get their turn.
    private static let turn = 64

    /// Figures are told between steps, and no more often than this.
    private static let tellingPause = Duration.milliseconds(100)

    /// - Parameters:
    ///   - firstShare: a number that no other life of the coordinator uses.
    ///   - rest: lets others have the cores of threads that have nothing to compute.
    init(
        model: ModelDescription,
        socket: any MessageSocket,
        inbox: StepInbox,
        clock: LoopClock,
        firstShare: ShareID,
        limits: Exchange.Limits,
        figures: Latest<StepFigures>,
        rest: @escaping () -> Void,
        sleep: @escaping Sleep,
        log: @escaping (RunnerEvent) -> Void
    ) {
        self.model = model
        self.socket = socket
        self.inbox = inbox
        self.clock = clock
        self.limits = limits
        self.figures = figures
        self.rest = rest
        self.sleep = sleep
        self.log = log
        exchange = Exchange(
            epoch: Epoch(rawValue: 0),
            workers: [],
            firstShare: firstShare,
            limits: limits
        )
    }

    var isReady: Bool { topology != nil }

    // MARK: The runner's calls

    func start(
        _ index: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        apply(inbox.takeChanges())
        if let failure { throw failure }
        guard let dispatch else { throw .notReady(reason: unreadiness) }
        // Workers on this machine, and the threads that send, may need the cores of helpers.
        rest()
        while parts.count <= index { parts.append(Part()) }
        let now = clock.now
        dispatch.split(routing, layer: layer, into: &parts[index].shares)
        let begun = exchange.begin(
            layer: layer,
            recipients: parts[index].shares.lazy.prefix { !$0.rows.isEmpty }.map(\.worker),
            now: now
        )
        parts[index].trip = Trip(
            id: begun.trip,
            layer: layer,
            activations: activations,
            times: TripTimes(rowCount: routing.rowCount, begun: now)
        )
        perform(begun.actions)
        parts[index].trip?.times.sent = clock.now
    }

    func finish(_ index: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        parts[index].trip?.times.awaited = clock.now
        addEarly(index, to: &sums)
        while true {
            receive(finishing: index, into: &sums)
            apply(inbox.takeChanges())
            if inbox.isStopRequested { fail(.notReady(reason: "the coordinator is shutting down")) }
            retryUnsent()
            perform(exchange.tick(now: clock.now))
            if let failure { throw failure }
            guard let trip = parts[index].trip, !exchange.isComplete(trip.id) else { break }
            wait()
        }
        if let trip = parts[index].trip { profile.count(trip.times, of: trip.layer) }
        parts[index].trip = nil
    }

    /// However the trips end, nothing that comes later belongs to them.
    func cancel() {
        exchange.cancel()
        for index in parts.indices { parts[index].trip = nil }
        failure = nil
    }

    /// Between steps: follows topology changes and drops what late workers still send.
    func idle() {
        apply(inbox.takeChanges())
        var nothing: [Double] = []
        receive(finishing: nil, into: &nothing)
        if clock.now >= nextTelling { tellFigures() }
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
        if failure == nil, parts.contains(where: { $0.trip != nil }) { failure = error }
    }

    /// The part that a trip under way belongs to.
    private func part(of trip: Exchange.TripID) -> Int? {
        parts.firstIndex { $0.trip?.id == trip }
    }

    /// Writes a share; nothing where its trip is over.
    private func write(_ action: Exchange.Action, into message: FrameList) {
        message.removeAll()
        guard case .send(let tripID, let index, let id, let attempt, _) = action,
            let part = part(of: tripID), let trip = parts[part].trip, let topology
        else { return }
        let share = parts[part].shares[index]
        let header = ShareHeader(
            id: id,
            attempt: attempt,
            epoch: topology.plan.epoch,
            layer: trip.layer,
            rowCount: share.rows.count,
            width: trip.activations.width,
            form: model.layers[trip.layer.rawValue].needsValues ? .values : .quants,
            pairCount: share.pairRows.count
        )
        header.write(
            rows: share.rows,
            of: trip.activations,
            pairRows: share.pairRows,
            pairExperts: share.pairExperts,
            pairWeights: share.pairWeights,
            into: message
        )
    }

    private func send(_ action: Exchange.Action, as message: FrameList, since: Instant) {
        guard case .send(let tripID, _, _, _, let worker) = action, !message.isEmpty,
            let part = part(of: tripID), let topology
        else { return }
        do throws(MessagingError) {
            try socket.send(message, to: topology.peers[worker])
        } catch .unroutable where clock.now < since + Self.connectTime {
            parts[part].trip?.unsent.append((action, since))
        } catch {
            let isGone = if case .unroutable = error { true } else { false }
            if isGone { log(.unreachable(topology.plan.workers[worker])) }
            let reason = isGone ? "its data connection is gone" : "its share was not sent: \(error)"
            perform(exchange.onWorkerLost(worker, reason: reason, now: clock.now))
        }
    }

    private func retryUnsent() {
        for part in parts.indices where failure == nil {
            guard let unsent = parts[part].trip?.unsent, !unsent.isEmpty else { continue }
            parts[part].trip?.unsent = []
            for (action, since) in unsent {
                write(action, into: message(0))
                send(action, as: message(0), since: since)
            }
        }
    }

    private func wait() {
        // A share that waits for its connection is tried again soon.
        let hasUnsent = parts.contains { $0.trip?.unsent.isEmpty == false }
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
            case .ready(let fresh): follow(fresh)
            case .unready(let reason): standStill(reason)
            case .lost(let name, let reason):
                guard let worker = dispatch?.workers.firstIndex(of: name) else { continue }
                perform(exchange.onWorkerLost(worker, reason: reason, now: clock.now))
            }
        }
    }

    private func follow(_ fresh: Topology) {
        guard fresh != topology else { return }
        fail(.notReady(reason: "a worker or the plan changed during the step"))
        do throws(PlanError) {
            dispatch = try Dispatch(plan: fresh.plan)
            topology = fresh
            ownDrops.add(exchange.strays)
            exchange = Exchange(
                epoch: fresh.plan.epoch,
                workers: fresh.plan.workers,
                firstShare: exchange.nextShare,
                limits: limits
            )
        } catch {
            standStill("\(error)")
        }
    }

    private func standStill(_ reason: String) {
        fail(.notReady(reason: reason))
        topology = nil
        dispatch = nil
        unreadiness = reason
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
        nextTelling = clock.now + Self.tellingPause
        var drops = ownDrops
        drops.add(exchange.strays)
        var now = StepFigures()
        now.traffic = SocketTraffic(of: socket, drops: drops)
        now.trips = profile
        if now != figures.value { figures.replace(by: now) }
    }

    private func handleArrival(finishing index: Int?, sums: inout [Double]) {
        let header: DataHeader
        do throws(WireError) {
            header = try DataHeader(frames: arrival, limits: wireLimits)
        } catch {
            return drop(.malformed, "\(error)", from: arrival.peer)
        }
        guard let worker = topology?.peers.firstIndex(where: { $0 == arrival.peer }) else {
            let reason = "from no worker of the plan in force"
            return drop(.unknownPeer, reason, from: arrival.peer)
        }
        switch header {
        case .partialRows(let rows):
            accept(rows, from: worker, finishing: index, into: &sums)
        case .shareRefused(let refusal):
            perform(
                exchange.onRefused(
                    refusal.id,
                    attempt: refusal.attempt,
                    from: worker,
                    code: refusal.code,
                    reason: refusal.text,
                    now: clock.now
                )
            )
        case .share: drop(.unexpected, "a share sent to a coordinator", from: arrival.peer)
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
            let trip = parts[part].trip
        else {
            if case .drop(let stray) = reply {
                warn("an answer that is \(stray)", about: topology?.peers[worker])
            }
            return
        }
        let share = parts[part].shares[index]
        let name = exchange.workers[worker]
        let hidden = model.hiddenSize
        guard rows.layer == trip.layer, rows.width == hidden, rows.rowCount == share.rows.count
        else {
            let shape = "\(rows.rowCount) rows of \(rows.width) for layer \(rows.layer.rawValue)"
            let reason = "it answered \(shape) instead of \(share.rows.count) of \(hidden)"
            return fail(
                .shareRefused(worker: name.rawValue, layer: trip.layer, reason: reason)
            )
        }
        countRows(share.pairRows.count, of: name)
        parts[part].trip?.times.computing = max(trip.times.computing, rows.computeTime)
        guard part != finished else { return add(rows, in: arrival, part, index, to: &sums) }
        parts[part].trip?.early.append((index, rows, arrival))
        arrival = spare.popLast() ?? FrameList()
    }

    /// Adds what came while another part was finished.
    private func addEarly(_ part: Int, to sums: inout [Double]) {
        guard let early = parts[part].trip?.early, !early.isEmpty else { return }
        parts[part].trip?.early = []
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
        let start = clock.now
        let hidden = model.hiddenSize
        for (place, row) in parts[part].shares[share].rows.enumerated() {
            let target = Int(row) * hidden
            rows.add(row: place, of: frames, to: &sums, from: target)
        }
        let end = clock.now
        parts[part].trip?.times.adding += end - start
        parts[part].trip?.times.done = end
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

    private func countRows(_ count: Int, of name: WorkerName) {
        if let index = rowCounts.firstIndex(where: { $0.name == name }) {
            rowCounts[index].rowCount += UInt64(count)
        } else {
            rowCounts.append(WorkerRows(name: name, rowCount: UInt64(count)))
        }
    }
}

/// What the runner notices that operators may want to know.
package enum RunnerEvent: Sendable {
    /// After `heldBack` others that were not told.
    case malformed(String, from: Peer?, heldBack: Int)
    /// It has no data connection, whatever its control connection says.
    case unreachable(WorkerName)
}

extension ExpertRunnerError {
    init(_ error: ExchangeError) {
        self =
            switch error {
            case .workerSilent(let worker, let layer, let waited, _):
                .workerSilent(worker: worker.rawValue, layer: layer, waited: waited)
            case .workerLost(let worker, let layer, _, let reason):
                .workerLost(worker: worker.rawValue, layer: layer, reason: reason)
            case .shareRefused(let worker, let layer, _, let reason):
                .shareRefused(worker: worker.rawValue, layer: layer, reason: reason)
            }
    }
}
