import Cluster
import Foundation
import Ledger
import Logging
import Messaging
import Model
import Settings
import Tensors

/// One life of the coordinator, on the loop thread: loads, listens, serves, and says goodbye.
struct CoordinatorProcess {
    let served: ServedModel
    private let state: StateDirectory
    /// Held for this life.
    private let lock: LockFile
    /// Nil where only this machine can connect.
    private let access: Access?
    private let sockets: CoordinatorSockets
    private let loop: ControlLoop
    private let stepThread: StepThread
    private let search: RebalanceSearch
    private let chunkThread: ChunkThread
    private let stateThread: StateThread
    /// Nil where counts end with this life.
    private let countsThread: CountsThread?
    private let ledgerThread: LedgerThread
    private let inbox: Mailbox<LoopCommand>
    private let clock = LoopClock()
    private let logger: Logger

    /// Loads the model and binds the sockets; blocks as long as the disk does.
    ///
    /// - Parameter isStopping: whether it is told to stop meanwhile.
    /// - Throws: `ModelError.cancelled` too, where it was.
    init(
        settings: CoordinatorSettings,
        inbox: Mailbox<LoopCommand>,
        logger: Logger,
        isStopping: @escaping @Sendable () -> Bool
    ) throws(CoordinatorError) {
        self.logger = logger
        self.inbox = inbox
        state = try StateDirectory(path: settings.stateDirectory)
        lock = try state.claim()
        served = try .load(settings, state, logger, isCancelled: isStopping)
        access = try Access(settings.keys, logger: logger)
        let life = try state.beginLife()
        let start = try StartingPlan(model: served.description, settings: settings, state: state)
        do throws(MessagingError) {
            sockets = try CoordinatorSockets(settings, access: access, logger: logger)
            countsThread = try .start(in: state, served, settings.profiling, logger)
            stepThread = try StepThread(
                served: served,
                settings: settings,
                sockets: sockets,
                access: access,
                life: life,
                keeping: countsThread?.keeping,
                reports: inbox
            )
            chunkThread = try ChunkThread(
                served: served,
                settings: settings,
                access: access,
                reports: inbox,
                logger: logger
            )
            stateThread = try StateThread(state, reports: inbox)
            ledgerThread = try .start(in: state, settings.ledger, telling: inbox)
        } catch {
            throw .messaging(error)
        }
        search = RebalanceSearch(sockets.clientEndpoint, keys: settings.keys, reports: inbox)
        loop = ControlLoop(
            served: served,
            settings: settings,
            sockets: sockets.ofLoop,
            access: access,
            dataEndpoint: stepThread.endpoint,
            chunks: .init(endpoint: chunkThread.endpoint, figures: chunkThread.figures),
            steps: stepThread.inbox,
            save: stateThread.save,
            ledger: ledgerThread.inbox,
            start: start,
            life: life,
            clock: clock,
            inbox: inbox,
            figures: stepThread.figures,
            loads: stepThread.loads,
            counts: countsThread?.figures ?? Latest(CountsFigures()),
            search: search.start,
            logger: logger
        )
    }

    /// Serves until told to stop.
    ///
    /// - Parameter httpAddress: where HTTP is served beside this, for others to find.
    func run(
        httpAddress: String?,
        under manager: ServiceManager
    ) throws(CoordinatorError) {
        // Also when something failed. The other thread must have let go of its socket, so that
        // closing the context waits for the last words to leave, and the process for that.
        defer {
            search.stop()
            _ = stepThread.inbox.post(.stop)
            stepThread.thread.join()
            countsThread?.stop()
            _ = chunkThread.inbox.post(.stop)
            chunkThread.thread.join()
            stateThread.stop()
            sockets.keeper?.stop()
            // Last, for the others may have said what is to be on disk.
            _ = ledgerThread.inbox.post(.stop)
            ledgerThread.thread.join()
        }
        if let httpAddress {
            try state.write("\(httpAddress)\n", to: "http-endpoint")
        } else {
            try state.remove("http-endpoint")
        }
        try state.write("\(sockets.workerEndpoint)\n", to: "worker-endpoint")
        try state.write("\(sockets.clientEndpoint)\n", to: "client-endpoint")
        logger.notice(
            "Coordinator listens",
            metadata: [
                "model": "\(served.description.name)",
                "status": "\(loop.status)",
                "workers": "\(sockets.workerEndpoint)",
                "clients": "\(sockets.clientEndpoint)",
            ]
        )
        manager.tellReady()
        try serve(under: manager)
        try state.remove("worker-endpoint")
        try state.remove("client-endpoint")
        try state.remove("http-endpoint")
        logger.notice("Coordinator stopped")
    }

    private func serve(under manager: ServiceManager) throws(CoordinatorError) {
        var poller = Poller()
        var news = ServiceNews(manager)
        while true {
            try loop.turn()
            guard !loop.hasStopped else { return }
            news.turn { loop.status }
            let timeout = news.soonest(loop.nextDeadline.map { max(.zero, $0 - clock.now) })
            do throws(MessagingError) {
                _ = try poller.wait(
                    for: [sockets.workers, sockets.clients],
                    or: inbox.waker,
                    timeout: timeout
                )
            } catch {
                throw .messaging(error)
            }
        }
    }
}

/// The control and client sockets, bound; the data socket belongs to the step thread.
struct CoordinatorSockets {
    let context: MessagingContext
    /// Decides who may connect to sockets of the context.
    let keeper: Doorkeeper?
    let workers: Socket
    let clients: Socket
    let workerEndpoint: Endpoint
    let clientEndpoint: Endpoint
    let dataEndpoint: Endpoint

    /// What the loop thread uses of them, and whom the process refused to connect.
    var ofLoop: ControlLoop.Sockets {
        ControlLoop.Sockets(
            workers: workers,
            clients: clients,
            takeRefusals: { ConnectionGate.shared.takeRefusals() }
        )
    }

    /// A last word to each peer may take this long to leave.
    private static let farewellTime = Duration.seconds(1)
    /// Bytes of a frame that may come here: twice the largest envelope, which holds a prompt or
    /// tokens to evaluate, so that one that is a little too large is told why.
    private static let receivedFrameByteCount = 2 << 20
    /// Messages of one peer that may wait: workers and clients have few under way, and each may
    /// hold a prompt.
    private static let receivedMessageCount = 16

    init(
        _ settings: CoordinatorSettings,
        access: Access?,
        logger: Logger
    ) throws(MessagingError) {
        let context = try MessagingContext()
        self.context = context
        keeper = try access.map { access throws(MessagingError) in
            try access.keeper(of: context, logger: logger)
        }
        var options = SocketOptions()
        options.linger = Self.farewellTime
        options.limits = MessagingLimits(
            receivedFrameByteCount: Self.receivedFrameByteCount,
            receivedMessageCount: Self.receivedMessageCount
        )
        options.security = access.map { .server($0.pair, door: .workers) }
        workers = try Socket(.router, in: context, options: options)
        options.security = access.map { .server($0.pair, door: .clients) }
        clients = try Socket(.router, in: context, options: options)
        workerEndpoint = try workers.bind(.init(settings.workerEndpoint.rawValue))
        clientEndpoint = try clients.bind(.init(settings.clientEndpoint.rawValue))
        dataEndpoint = try .init(settings.dataEndpoint.rawValue)
    }
}

extension ServedModel {
    fileprivate static func load(
        _ settings: CoordinatorSettings,
        _ state: StateDirectory,
        _ logger: Logger,
        isCancelled: @escaping @Sendable () -> Bool
    ) throws(CoordinatorError) -> ServedModel {
        try ServedModel(settings: settings, state: state, logger: logger, isCancelled: isCancelled)
    }
}

extension CountsThread {
    /// - Returns: nil where nothing is counted, or counts are to end with this life.
    fileprivate static func start(
        in state: StateDirectory,
        _ served: ServedModel,
        _ settings: ProfilingSettings,
        _ logger: Logger
    ) throws(MessagingError) -> CountsThread? {
        guard settings.halfLife > 0, settings.saveInterval > .zero,
            served.description.expertsPerToken > 0
        else { return nil }
        return try CountsThread(
            CountsFile(in: state, of: served.identity, served.description),
            interval: settings.saveInterval,
            logger: logger
        )
    }
}

extension LedgerThread {
    fileprivate static func start(
        in state: StateDirectory,
        _ settings: LedgerSettings,
        telling inbox: Mailbox<LoopCommand>
    ) throws(MessagingError) -> LedgerThread {
        try LedgerThread(
            path: state.url.appending(path: "jobs.sqlite").path,
            limits: LedgerLimits(settings)
        ) { _ = inbox.post(.ledger($0)) }
    }
}

extension LedgerLimits {
    fileprivate init(_ settings: LedgerSettings) {
        self.init()
        endedCount = settings.jobCount
        endedAge = settings.age
        byteCount = settings.byteCount
    }
}
