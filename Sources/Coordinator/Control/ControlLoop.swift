package import Cluster
package import Ledger
package import Logging
package import Messaging
import Model
import Placement
package import Settings
import Wire

/// The loop thread: control and client sockets, membership, jobs.
///
/// Never computes a step, never waits: its owner calls `turn` after each event and at
/// `nextDeadline`.
package final class ControlLoop {
    /// The sockets of the loop thread, both bound.
    package struct Sockets {
        package let workers: any MessageSocket
        package let clients: any MessageSocket
        /// Whom connections were refused since it was asked last.
        package let takeRefusals: () -> [ConnectionBudget.Refusals]

        package init(
            workers: any MessageSocket,
            clients: any MessageSocket,
            takeRefusals: @escaping () -> [ConnectionBudget.Refusals] = { [] }
        ) {
            self.workers = workers
            self.clients = clients
            self.takeRefusals = takeRefusals
        }
    }

    /// What else serves workers: where they ask for chunks of experts, and what came of it.
    package struct Chunks {
        package let endpoint: Endpoint
        package let figures: Latest<ChunkFigures>

        package init(endpoint: Endpoint, figures: Latest<ChunkFigures>) {
            self.endpoint = endpoint
            self.figures = figures
        }
    }

    private let sockets: Sockets
    private let chunks: Chunks?
    private let steps: Mailbox<StepCommand>
    private let inbox: Mailbox<LoopCommand>
    private let clock: LoopClock
    private let logger: Logger
    private var workers: WorkerDesk
    private var clients: ClientDesk
    /// What the step thread counts, and of the data socket, which is its own.
    private let figures: Latest<StepFigures>
    private let loads: LoadBoard
    /// What became of counts between this life and others.
    private let counts: Latest<CountsFigures>
    private var trafficLog: TrafficLog
    private var refusals: PeerWarnings
    private var stepFallBacks = StepFallBacks()
    private var watch: RebalanceWatch
    /// Begins a search for a better plan.
    private let search: () -> Void
    /// Whether the step thread, told to stop, has stopped: there is nothing more to do.
    package private(set) var hasStopped = false

    /// Messages taken from one socket before the other gets its turn.
    ///
    /// A client's may hold a prompt of a megabyte, a worker's is small.
    private static let clientTurn = 4
    private static let workerTurn = 64

    /// When a client whose queue was full is tried again.
    private static let retryTime = Duration.milliseconds(50)

    /// - Parameters:
    ///   - access: How those who connect are known; nil where only this machine can.
    ///   - dataEndpoint: Where workers connect for shares.
    ///   - chunks: nil where no chunks are sent.
    ///   - save: Begins to write a change of the state; its end comes as a command, in order.
    ///   - ledger: where durable jobs are recorded; nil where they are not.
    ///   - life: The number of this life of the coordinator.
    ///   - search: Begins a search for a better plan; its end comes as a command.
    package init(
        served: ServedModel,
        settings: CoordinatorSettings,
        sockets: Sockets,
        access: Access? = nil,
        dataEndpoint: Endpoint,
        chunks: Chunks? = nil,
        steps: Mailbox<StepCommand>,
        save: @escaping (StateChange) -> Void,
        ledger: Mailbox<LedgerCommand>? = nil,
        start: StartingPlan,
        life: UInt32,
        clock: LoopClock,
        inbox: Mailbox<LoopCommand>,
        figures: Latest<StepFigures> = Latest(StepFigures()),
        loads: LoadBoard = LoadBoard(),
        counts: Latest<CountsFigures> = Latest(CountsFigures()),
        search: @escaping () -> Void = {},
        logger: Logger
    ) {
        watch = RebalanceWatch(limits: settings.profiling.rebalance)
        self.search = search
        self.clock = clock
        self.loads = loads
        self.counts = counts
        self.figures = figures
        trafficLog = TrafficLog(logger, now: clock.now)
        refusals = PeerWarnings(logger)
        self.sockets = sockets
        self.chunks = chunks
        self.inbox = inbox
        self.logger = logger
        self.steps = steps
        workers = WorkerDesk(
            served: served,
            settings: settings,
            socket: sockets.workers,
            access: access,
            dataEndpoint: dataEndpoint,
            chunkEndpoint: chunks?.endpoint,
            steps: steps,
            save: save,
            start: start,
            life: life,
            clock: clock,
            logger: logger
        )
        clients = ClientDesk(
            served: served,
            settings: settings,
            socket: sockets.clients,
            access: access,
            steps: steps,
            ledger: ledger,
            life: life,
            logger: logger
        )
    }

    /// When to call `turn` if nothing happens before.
    package var nextDeadline: Instant? {
        let now = clock.now
        let retry = clients.owesMessages ? now + Self.retryTime : nil
        return [workers.nextDeadline, retry, clients.ledgerDeadline(now: now)]
            .compactMap { $0 }.min()
    }

    /// Workers of whose machines something is kept.
    package var knownMachineCount: Int { workers.machines.count }

    /// Whether the cluster is ready, or what it waits for, in a sentence.
    package var status: String { workers.membership.status(now: clock.now) }

    /// Does all that can be done now.
    package func turn() throws(CoordinatorError) {
        for command in inbox.takeAll() { try perform(command) }
        // Clients first: reading a long prompt takes time, in which workers' messages may come.
        for message in try take(Self.clientTurn, from: sockets.clients) {
            clients.receive(
                message,
                workers: workers,
                traffic: { self.workerTraffic },
                figures: { self.figures.value },
                balance: { self.balance },
                now: clock.now
            )
        }
        clients.answerWishes { workers.grant($0) }
        if !workers.isSaving { clients.tellGranted() }
        for message in try take(Self.workerTurn, from: sockets.workers) {
            workers.receive(message)
        }
        clients.retry(now: clock.now)
        clients.tendLedger(now: clock.now)
        // After what has arrived, so that nobody counts as silent whose message lay here.
        workers.tick()
        watchBalance()
        if hasStopped { workers.shutDown() }
        trafficLog.tell(
            traffic,
            crowds: sockets.takeRefusals(),
            now: clock.now,
            isLast: hasStopped
        )
    }

    /// Begins a search for a better plan where workers have been busy unevenly for long.
    private func watchBalance() {
        guard watch.limits.threshold != nil, workers.membership.isReady,
            watch.tick(imbalance: figures.value.imbalance, now: clock.now)
        else { return }
        let imbalance = figures.value.imbalance ?? 1
        logger.notice(
            "Searching for a better plan",
            metadata: ["imbalance": "\((imbalance * 100).rounded() / 100)"]
        )
        search()
    }

    private var balance: BalanceReport {
        BalanceReport(
            imbalance: figures.value.imbalance,
            isAutomatic: watch.limits.threshold != nil,
            searches: watch.report,
            sinceChange: watch.report.lastChange.map { clock.now - $0 }
        )
    }

    private var inspection: Inspection {
        Inspection(
            status: clients.status(
                workers,
                traffic: workerTraffic,
                trips: figures.value.trips,
                balance: balance,
                now: clock.now
            ),
            nodes: workers.nodeReports(now: clock.now),
            jobs: clients.jobReports,
            figures: clients.figures,
            engine: figures.value.engine,
            expertUses: figures.value.uses,
            stepFallBacks: stepFallBacks,
            counts: counts.value,
            costs: workers.costs(figures.value, clients.served),
            plan: workers.membership.plan,
            loads: loads.ask()
        )
    }

    private func finishSearch(_ outcome: RebalanceWatch.Outcome) {
        watch.onEnd(outcome, now: clock.now)
        switch outcome {
        case .changed(let byteCount, let ratio):
            var metadata: Logger.Metadata = ["bytesMoved": "\(byteCount)"]
            if let ratio { metadata["predictedStep"] = "\((ratio * 1000).rounded() / 1000)" }
            logger.notice("Better plan found", metadata: metadata)
        case .kept: logger.notice("No better plan found")
        case .failed(let reason):
            logger.warning("No search for a better plan", metadata: ["reason": "\(reason)"])
        }
    }

    /// What came to each socket so far.
    private var traffic: [SocketReport] { workerTraffic + [clients.traffic] }

    private var workerTraffic: [SocketReport] {
        [workers.traffic, figures.value.traffic.report("shares")]
            + (chunks.map { [$0.figures.value.traffic.report("chunks")] } ?? [])
    }

    private func take(
        _ limit: Int,
        from socket: any MessageSocket
    ) throws(CoordinatorError) -> [ReceivedMessage] {
        var messages: [ReceivedMessage] = []
        do throws(MessagingError) {
            while messages.count < limit, let message = try socket.receive() {
                messages.append(message)
            }
        } catch {
            throw .messaging(error)
        }
        return messages
    }

    private func perform(_ command: LoopCommand) throws(CoordinatorError) {
        switch command {
        case .stop:
            logger.notice(
                "Coordinator stopping",
                metadata: ["jobs": "\(clients.queuedCount + clients.runningCount)"]
            )
            clients.close()
            _ = steps.post(.stop)
        case .report(let report): try handle(report)
        case .ledger(let report): clients.receive(report, now: clock.now)
        case .searched(let outcome): finishSearch(outcome)
        case .saved(let change, nil): workers.onSaved(change)
        case .saved(_, let error?): throw error
        case .submit(let orders, let client): clients.submit(orders, from: client, now: clock.now)
        case .leave(let client): clients.leave(client)
        case .inspect(let reply): reply.give(inspection)
        }
    }

    private func handle(_ report: StepReport) throws(CoordinatorError) {
        switch report {
        case .event(let id, let event): clients.handle(event, of: id, now: clock.now)
        case .ended(let id, let result, let rows):
            clients.end(id, result, rows: rows, now: clock.now)
        case .evaluated(let job, let result): clients.finish(job, result)
        case .evaluationFailed(let job, let message): clients.fail(job, message)
        case .profile(let report, let client): clients.tell(report, to: client, now: clock.now)
        case .uncountedTask(let task):
            logger.notice(
                "Tasks beyond coordinator.profile-tasks are counted together",
                metadata: ["first": "\(task)", "as": "\(ProfileCounter.other)"]
            )
        case .runner(.adopted(let epoch)): workers.onAdopted(epoch)
        case .runner(.unreachable(let worker, let trouble)):
            workers.onUnreachable(worker, trouble)
        case .runner(let event): log(event)
        case .broken(let reason): throw .broken(reason)
        case .stopped:
            clients.endAll("\(JobRefusal.shuttingDown)", now: clock.now)
            hasStopped = true
        }
    }

    private func log(_ event: RunnerEvent) {
        stepFallBacks.count(event)
        switch event {
        case .malformed(let reason, let peer, let heldBack):
            PeerWarnings(logger).tell(
                "Message dropped on the data socket",
                of: .init(ofData: peer),
                reason: reason,
                heldBack: heldBack
            )
        case .unreachable, .adopted: break  // Acted on, which tells its own story.
        case .refused(let worker, let code, let reason):
            refusals.tell(
                "Share refused; its rows go to others",
                of: .worker(worker),
                reason: "\(code): \(reason)",
                now: clock.now
            )
        case .begunAnew(let layer, let epoch):
            logger.warning(
                "A step begins anew: it waits for shards that are cut otherwise by now",
                metadata: ["layer": "\(layer.rawValue)", "epoch": "\(epoch)"]
            )
        case .waiting(let layer, let experts):
            logger.warning(
                "A step waits: no worker that serves holds its experts",
                metadata: ["layer": "\(layer.rawValue)", "experts": "\(experts.count)"]
            )
        }
    }
}
