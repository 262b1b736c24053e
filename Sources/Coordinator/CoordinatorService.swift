public import Logging
public import Messaging
import Model
public import ServiceLifecycle
public import Settings
import Synchronization

/// The coordinator as a service: a model, its sockets, and the two threads that use them.
public struct CoordinatorService: Service {
    private let settings: CoordinatorSettings
    private let manager: ServiceManager
    private let logger: Logger
    private let door: CoordinatorDoor

    public init(
        settings: CoordinatorSettings,
        manager: ServiceManager = .none,
        logger: Logger
    ) {
        self.init(settings: settings, door: CoordinatorDoor(), manager: manager, logger: logger)
    }

    /// - Parameters:
    ///   - door: By which others in this process use it, from when it serves.
    ///   - manager: Hears when it serves, and that it lives.
    package init(
        settings: CoordinatorSettings,
        door: CoordinatorDoor,
        manager: ServiceManager = .none,
        logger: Logger
    ) {
        self.settings = settings
        self.door = door
        self.manager = manager
        self.logger = logger
    }

    /// Serves until shut down gracefully or cancelled.
    ///
    /// The resolved endpoints stand in the state directory, in `worker-endpoint`,
    /// `client-endpoint` and, where HTTP is served, `http-endpoint`, from when they can be
    /// connected to.
    ///
    /// - Throws: `CoordinatorError` when it cannot start, or cannot go on.
    public func run() async throws {
        let inbox = try Mailbox<LoopCommand>(limit: LoopCommand.queueLimit)
        let outcome = ThreadOutcome<CoordinatorError>()
        let stop = StopRequest()
        let thread = try NamedThread("moiety-loop") { [settings, door, manager, logger] in
            defer { door.close(inbox) }
            outcome.record { () throws(CoordinatorError) in
                manager.tell(status: "opening the model")
                let process = try CoordinatorProcess(
                    settings: settings,
                    inbox: inbox,
                    logger: logger,
                    isStopping: { stop.isMade }
                )
                let limit = process.served.description.contextLength
                door.open(
                    inbox,
                    process.served,
                    contextLength: min(settings.contextLength, limit)
                )
                try process.run(httpAddress: door.httpAddress, under: manager)
            }
        }
        await withTaskCancellationOrGracefulShutdownHandler {
            await thread.finished()
        } onCancelOrGracefulShutdown: {
            stop.make()
            manager.tellStopping()
            _ = inbox.post(.stop)
        }
        switch outcome.failure {
        case nil: break
        case .model(.cancelled) where stop.isMade:
            logger.info("Coordinator stopped before it served")
        case let failure?: throw failure
        }
    }
}

/// Seen by the loop thread while it opens the model, long before it looks into its inbox.
private final class StopRequest: Sendable {
    private let made = Atomic(false)

    var isMade: Bool { made.load(ordering: .relaxed) }

    func make() { made.store(true, ordering: .relaxed) }
}
