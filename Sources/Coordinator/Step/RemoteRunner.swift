import Cluster
package import Messaging
import Model
package import Placement
import Tensors
import Wire

/// Computes a layer's experts on the workers: shares out, partial rows back.
///
/// The shell of `Exchange`, on the step thread, which owns the data socket. A trip is what lies
/// between `start` and `finish`; whatever arrives outside one, or belongs to another, is dropped.
final class RemoteRunner: ExpertRunner {
    private let model: ModelDescription
    private let socket: any MessageSocket
    private let inbox: StepInbox
    private let clock: LoopClock
    private let limits: Exchange.Limits
    private let wireLimits = WireLimits()
    private let sleep: Sleep
    private let log: (RunnerEvent) -> Void
    private var warnings = ReportLimiter()
    /// Where the loop thread looks for what came to the socket.
    private let traffic: Latest<SocketTraffic>
    /// Messages that were not acted on, beside those that the exchange counts.
    private var ownDrops = DropCounts()

    /// The plan in force, or nil while the cluster is not ready.
    private var topology: Topology?
    private var dispatch: Dispatch?
    private var exchange: Exchange
    private var trip: Trip?
    /// Why there is no plan in force, for people.
    private(set) var unreadiness = "no worker has joined yet"
    /// Rows of experts computed by each worker so far.
    private(set) var rowCounts: [WorkerRows] = []

    /// One layer's visit to the workers.
    private struct Trip {
        let layer: LayerIndex
        let activations: Activations
        let shares: [WorkerShare]
        /// Shares whose worker's data connection is not there yet, and since when.
        var unsent: [(action: Exchange.Action, since: Instant)] = []
        var failure: ExpertRunnerError?
    }

    /// A connection that was just announced may take this long to be there.
    private static let connectTime = Duration.seconds(1)

    /// Messages taken before deadlines and topology get their turn.
    private static let turn = 64

    /// - Parameter firstShare: a number that no other life of the coordinator uses.
    init(
        model: ModelDescription,
        socket: any MessageSocket,
        inbox: StepInbox,
        clock: LoopClock,
        firstShare: ShareID,
        limits: Exchange.Limits,
        traffic: Latest<SocketTraffic>,
        sleep: @escaping Sleep,
        log: @escaping (RunnerEvent) -> Void
    ) {
        self.model = model
        self.socket = socket
        self.inbox = inbox
        self.clock = clock
        self.limits = limits
        self.traffic = traffic
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

    // MARK: The runner's two calls

    func start(
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        apply(inbox.takeChanges())
        guard let dispatch else { throw .notReady(reason: unreadiness) }
        let shares = dispatch.shares(layer: layer, routing: routing)
        trip = Trip(layer: layer, activations: activations, shares: shares)
        perform(exchange.begin(layer: layer, recipients: shares.map(\.worker), now: clock.now))
    }

    func finish(into sums: inout [Double]) throws(ExpertRunnerError) {
        // However the trip ends, nothing that comes later belongs to it.
        defer {
            exchange.cancel()
            trip = nil
        }
        while true {
            receive(into: &sums)
            apply(inbox.takeChanges())
            if inbox.isStopRequested { fail(.notReady(reason: "the coordinator is shutting down")) }
            retryUnsent()
            perform(exchange.tick(now: clock.now))
            if let failure = trip?.failure { throw failure }
            guard !exchange.isComplete else { return }
            wait()
        }
    }

    /// Between steps: follows topology changes and drops what late workers still send.
    func idle() {
        apply(inbox.takeChanges())
        var nothing: [Double] = []
        receive(into: &nothing)
    }

    // MARK: Actions

    private func perform(_ actions: [Exchange.Action]) {
        for action in actions {
            switch action {
            case .send: send(action, since: clock.now)
            case .fail(let error): fail(ExpertRunnerError(error))
            }
        }
    }

    /// The first reason counts; the others follow from it.
    private func fail(_ error: ExpertRunnerError) {
        if trip?.failure == nil { trip?.failure = error }
    }

    private func send(_ action: Exchange.Action, since: Instant) {
        guard case .send(let index, let id, let attempt, let worker) = action,
            let trip, let topology
        else { return }
        let share = trip.shares[index]
        let facts = model.layers[trip.layer.rawValue]
        let message = DataMessage.share(
            Share(
                id: id,
                attempt: attempt,
                epoch: topology.plan.epoch,
                layer: trip.layer,
                activations: trip.activations.selecting(
                    rows: share.rows,
                    values: facts.needsValues,
                    quants: !facts.needsValues
                ),
                pairRows: share.pairRows,
                pairExperts: share.pairExperts,
                pairWeights: share.pairWeights
            )
        )
        do throws(MessagingError) {
            try socket.send(message.encode(), to: topology.peers[worker])
        } catch .unroutable where clock.now < since + Self.connectTime {
            self.trip?.unsent.append((action, since))
        } catch {
            let isGone = if case .unroutable = error { true } else { false }
            if isGone { log(.unreachable(topology.plan.workers[worker])) }
            let reason = isGone ? "its data connection is gone" : "its share was not sent: \(error)"
            perform(exchange.onWorkerLost(worker, reason: reason, now: clock.now))
        }
    }

    private func retryUnsent() {
        guard let unsent = trip?.unsent, !unsent.isEmpty, trip?.failure == nil else { return }
        trip?.unsent = []
        for (action, since) in unsent { send(action, since: since) }
    }

    private func wait() {
        // A share that waits for its connection is tried again soon.
        let longest: Duration = trip?.unsent.isEmpty == false ? .milliseconds(2) : .seconds(1)
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

    private func receive(into sums: inout [Double]) {
        defer { tellTraffic() }
        do throws(MessagingError) {
            for _ in 0..<Self.turn {
                guard let message = try socket.receive() else { return }
                handle(message, sums: &sums)
            }
        } catch {
            fail(.notReady(reason: "the data socket failed: \(error)"))
        }
    }

    private func tellTraffic() {
        var drops = ownDrops
        drops.add(exchange.strays)
        let now = SocketTraffic(of: socket, drops: drops)
        if now != traffic.value { traffic.replace(by: now) }
    }

    private func handle(_ received: ReceivedMessage, sums: inout [Double]) {
        let message: DataMessage
        do throws(WireError) {
            message = try DataMessage(frames: received.frames, limits: wireLimits)
        } catch {
            return drop(.malformed, "\(error)", from: received.peer)
        }
        guard let worker = topology?.peers.firstIndex(where: { $0 == received.peer }) else {
            let reason = "from no worker of the plan in force"
            return drop(.unknownPeer, reason, from: received.peer)
        }
        switch message {
        case .partialRows(let rows): accept(rows, from: worker, into: &sums)
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
        case .share: drop(.unexpected, "a share sent to a coordinator", from: received.peer)
        }
    }

    private func accept(_ rows: PartialRows, from worker: Int, into sums: inout [Double]) {
        let reply = exchange.onReply(
            rows.id,
            attempt: rows.attempt,
            epoch: rows.epoch,
            from: worker
        )
        guard case .accept(let index, _) = reply, let trip else {
            if case .drop(let stray) = reply {
                warn("an answer that is \(stray)", about: topology?.peers[worker])
            }
            return
        }
        let share = trip.shares[index]
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
        for (place, row) in share.rows.enumerated() {
            let target = Int(row) * hidden
            let source = place * hidden
            for column in 0..<hidden { sums[target + column] += rows.values[source + column] }
        }
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
