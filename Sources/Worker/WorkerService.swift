import Cluster
public import Kernels
public import Logging
public import Messaging
public import ServiceLifecycle
public import Settings

/// The expert worker as a service: holds experts, computes shares.
public struct WorkerService: Service {
    private let settings: WorkerSettings
    private let instructionSet: InstructionSet?
    private let manager: ServiceManager
    private let logger: Logger

    /// - Parameter instructionSet: nil takes what the environment says, or the machine has.
    public init(
        settings: WorkerSettings,
        instructionSet: InstructionSet? = nil,
        manager: ServiceManager = .none,
        logger: Logger
    ) {
        self.settings = settings
        self.manager = manager
        self.instructionSet = instructionSet
        // In the log of a whole cluster, each line says whose it is.
        var logger = logger
        logger[metadataKey: "worker"] = "\(settings.name)"
        self.logger = logger
    }

    /// Serves until shut down gracefully (the shares at hand are finished) or cancelled (at once).
    ///
    /// - Throws: `WorkerError` when it cannot start, or cannot go on.
    public func run() async throws {
        let inbox = try Mailbox<LoopCommand>(limit: LoopCommand.queueLimit)
        let outcome = ThreadOutcome<WorkerError>()
        let thread = try NamedThread("moiety-loop") { [settings, instructionSet, manager, logger] in
            outcome.record { () throws(WorkerError) in
                if let path = settings.modelPath {
                    logger.info("Opening the model", metadata: ["path": "\(path)"])
                }
                let machine = try Machine(settings: settings, instructionSet: instructionSet)
                try ExpertSupply.checkBudget(of: machine)
                try WorkerProcess(machine: machine, inbox: inbox, logger: logger)
                    .run(under: manager)
            }
        }
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await thread.finished()
            } onGracefulShutdown: {
                manager.tellStopping()
                _ = inbox.post(.drain)
            }
        } onCancel: {
            _ = inbox.post(.stop)
        }
        if let failure = outcome.failure { throw failure }
    }
}
