import Cluster
import Messaging
import Model
import Placement
import Tensors
import Wire

/// Computes a layer's experts on the workers: shares out, partial rows back.
///
/// The shell of `Exchange`, on the step thread, which owns the data socket.
final class RemoteRunner: ExpertRunner {
    private let model: ModelDescription
    private let socket: Socket
    private let inbox: StepInbox
    private let clock: LoopClock
    private let limits: Exchange.Limits
    private let wireLimits: WireLimits
    private let log: (RunnerEvent) -> Void
    private var poller = Poller()

    private(set) var state: State = .unready(reason: "no worker has joined yet")
    /// Shares keep counting from plan to plan.
    private var nextShare: ShareID
    private var shares: [WorkerShare] = []
    private var layer = LayerIndex(0)
    private var activations: Activations
    private var failure: ExpertRunnerError?
    /// Shares whose worker's data connection is not there yet, and since when.
    private var unsent: [(action: Exchange.Action, since: Instant)] = []

    /// Rows of experts computed by each worker so far.
    private(set) var rowCounts: [WorkerRows] = []

    enum State {
        case ready(InForce)
        case unready(reason: String)
    }

    /// A plan in force, and the exchange that follows it.
    struct InForce {
        let topology: Topology
        let dispatch: Dispatch
        var exchange: Exchange
    }

    /// A connection that was just announced may take this long to be there.
    private static let connectTime = Duration.seconds(1)

    init(
        model: ModelDescription,
        socket: Socket,
        inbox: StepInbox,
        clock: LoopClock,
        firstShare: ShareID,
        limits: Exchange.Limits,
        log: @escaping (RunnerEvent) -> Void
    ) {
        self.model = model
        self.socket = socket
        self.inbox = inbox
        self.clock = clock
        self.limits = limits
        self.log = log
        wireLimits = WireLimits()
        nextShare = firstShare
        activations = Activations(rowCount: 0, width: model.hiddenSize)
    }

    // MARK: The runner's two calls

    func start(
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        apply(inbox.takeChanges())
        guard case .ready(var current) = state else { throw notReady }
        self.layer = layer
        self.activations = activations
        failure = nil
        unsent = []
        shares = current.dispatch.shares(layer: layer, routing: routing)
        let actions = current.exchange.begin(
            layer: layer,
            recipients: shares.map(\.worker),
            now: clock.now
        )
        state = .ready(current)
        perform(actions)
    }

    func finish(into sums: inout [Double]) throws(ExpertRunnerError) {
        while true {
            receive(into: &sums)
            apply(inbox.takeChanges())
            retryUnsent()
            tick()
            if let failure { throw failure }
            guard case .ready(let current) = state else { throw notReady }
            guard !current.exchange.isComplete else { return }
            wait(until: current.exchange.nextDeadline)
        }
    }

    private var notReady: ExpertRunnerError {
        if case .unready(let reason) = state { return .notReady(reason: reason) }
        return .notReady(reason: "the plan changed")
    }

    // MARK: Between steps

    /// Follows topology changes and drops what late workers still send.
    func idle() {
        apply(inbox.takeChanges())
        var nothing: [Double] = []
        receive(into: &nothing)
    }

    var isReady: Bool { if case .ready = state { true } else { false } }

    /// Why it is not ready, for people.
    var stateText: String {
        if case .unready(let reason) = state { reason } else { "ready" }
    }

    private func countRows(_ count: Int, of name: WorkerName) {
        if let index = rowCounts.firstIndex(where: { $0.name == name }) {
            rowCounts[index].rowCount += UInt64(count)
        } else {
            rowCounts.append(WorkerRows(name: name, rowCount: UInt64(count)))
        }
    }

    // MARK: Actions

    private func perform(_ actions: [Exchange.Action]) {
        for action in actions {
            switch action {
            case .send: send(action, since: clock.now)
            case .fail(let error): failure = Self.runnerError(error)
            }
        }
    }

    private func send(_ action: Exchange.Action, since: Instant) {
        guard case .send(let index, let id, let attempt, let worker) = action,
            case .ready(let current) = state
        else { return }
        let share = shares[index]
        let facts = model.layers[layer.rawValue]
        let message = DataMessage.share(
            Share(
                id: id,
                attempt: attempt,
                epoch: current.topology.plan.epoch,
                layer: layer,
                activations: activations.selecting(
                    rows: share.rows,
                    values: facts.needsValues,
                    quants: facts.needsQuants && !facts.needsValues
                ),
                pairRows: share.pairRows,
                pairExperts: share.pairExperts,
                pairWeights: share.pairWeights
            )
        )
        do throws(MessagingError) {
            try socket.send(message.encode(), to: current.topology.peers[worker])
        } catch {
            guard clock.now < since + Self.connectTime else {
                return lose(worker, reason: "its data connection is closed (\(error))")
            }
            unsent.append((action, since))
        }
    }

    private func retryUnsent() {
        let again = unsent
        unsent = []
        for (action, since) in again { send(action, since: since) }
    }

    private func lose(_ worker: Int, reason: String) {
        update { $0.onWorkerLost(worker, reason: reason, now: clock.now) }
    }

    private func tick() { update { $0.tick(now: clock.now) } }

    /// Lets the exchange decide, then does what it says.
    private func update(_ decide: (inout Exchange) -> [Exchange.Action]) {
        guard case .ready(var current) = state else { return }
        let actions = decide(&current.exchange)
        state = .ready(current)
        perform(actions)
    }

    private static func runnerError(_ error: ExchangeError) -> ExpertRunnerError {
        switch error {
        case .workerSilent(let worker, let layer, let waited, _):
            .workerSilent(worker: worker.rawValue, layer: layer, waited: waited)
        case .workerLost(let worker, let layer, _, let reason):
            .workerLost(worker: worker.rawValue, layer: layer, reason: reason)
        case .shareRefused(let worker, let layer, _, let reason):
            .shareRefused(worker: worker.rawValue, layer: layer, reason: reason)
        }
    }

    // MARK: Events

    private func apply(_ changes: [TopologyChange]) {
        for change in changes {
            switch change {
            case .ready(let topology): follow(topology)
            case .unready(let reason):
                rememberShares()
                state = .unready(reason: reason)
            case .lost(let name, let reason):
                guard case .ready(let current) = state,
                    let worker = current.dispatch.workers.firstIndex(of: name)
                else { continue }
                lose(worker, reason: reason)
            }
        }
    }

    private func follow(_ topology: Topology) {
        if case .ready(let current) = state, current.topology == topology { return }
        rememberShares()
        do throws(PlanError) {
            state = .ready(
                InForce(
                    topology: topology,
                    dispatch: try Dispatch(plan: topology.plan),
                    exchange: Exchange(
                        epoch: topology.plan.epoch,
                        workers: topology.plan.workers,
                        firstShare: nextShare,
                        limits: limits
                    )
                )
            )
        } catch {
            state = .unready(reason: "\(error)")
        }
    }

    private func rememberShares() {
        if case .ready(let current) = state { nextShare = current.exchange.nextShare }
    }

    private func wait(until deadline: Instant?) {
        // A share that waits for its connection is tried again soon.
        let longest: Duration = unsent.isEmpty ? .seconds(1) : .milliseconds(2)
        let left = deadline.map { max(.zero, $0 - clock.now) } ?? longest
        do throws(MessagingError) {
            _ = try poller.wait(for: [socket], or: inbox.waker, timeout: min(left, longest))
        } catch {
            failure = .notReady(reason: "\(error)")
        }
    }

    private func receive(into sums: inout [Double]) {
        while true {
            do throws(MessagingError) {
                guard let message = try socket.receive() else { return }
                handle(message, sums: &sums)
            } catch {
                log(.malformed("\(error)", from: nil))
                return
            }
        }
    }

    private func handle(_ received: ReceivedMessage, sums: inout [Double]) {
        let message: DataMessage
        do throws(WireError) {
            message = try DataMessage(frames: received.frames, limits: wireLimits)
        } catch {
            log(.malformed("\(error)", from: received.peer))
            return
        }
        guard case .ready(let current) = state,
            let worker = current.topology.peers.firstIndex(where: { $0 == received.peer })
        else {
            log(.stray(from: received.peer))
            return
        }
        switch message {
        case .partialRows(let rows): accept(rows, from: worker, into: &sums)
        case .shareRefused(let refusal):
            update {
                $0.onRefused(
                    refusal.id,
                    attempt: refusal.attempt,
                    from: worker,
                    code: refusal.code,
                    reason: refusal.text,
                    now: clock.now
                )
            }
        case .share: log(.malformed("a share sent to a coordinator", from: received.peer))
        }
    }

    private func accept(_ rows: PartialRows, from worker: Int, into sums: inout [Double]) {
        guard case .ready(var current) = state else { return }
        let reply = current.exchange.onReply(
            rows.id,
            attempt: rows.attempt,
            epoch: rows.epoch,
            from: worker
        )
        state = .ready(current)
        switch reply {
        case .drop(let stray): log(.dropped(stray, current.dispatch.workers[worker]))
        case .accept(let index, _):
            let share = shares[index]
            let hidden = model.hiddenSize
            guard rows.width == hidden, rows.values.count == share.rows.count * hidden else {
                return lose(worker, reason: "it answered \(rows.values.count) values")
            }
            countRows(share.pairRows.count, of: current.dispatch.workers[worker])
            for (place, row) in share.rows.enumerated() {
                let target = Int(row) * hidden
                let source = place * hidden
                for column in 0..<hidden {
                    sums[target + column] += rows.values[source + column]
                }
            }
        }
    }
}

/// What the runner notices that operators may want to know.
enum RunnerEvent: Sendable {
    case malformed(String, from: Peer?)
    /// From a peer that is no worker of the plan.
    case stray(from: Peer?)
    case dropped(Exchange.Stray, WorkerName)
}
