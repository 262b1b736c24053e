import Cluster
public import Logging
import Messaging
public import ServiceLifecycle
public import Settings

/// The expert worker as a service: holds experts, computes shares.
public struct WorkerService: Service {
    private let settings: WorkerSettings
    private let logger: Logger

    public init(settings: WorkerSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    /// Serves until shut down gracefully (the shares at hand are finished) or cancelled (at once).
    ///
    /// - Throws: `WorkerError` when it cannot start, or cannot go on.
    public func run() async throws {
        let inbox = try Mailbox<LoopCommand>(limit: LoopCommand.queueLimit)
        let outcome = LoopOutcome()
        let thread = try NamedThread("moiety-loop") { [settings, logger] in
            outcome.record { () throws(WorkerError) in
                let machine = try Machine(settings: settings)
                try ControlLoop(machine: machine, inbox: inbox, logger: logger).run()
            }
        }
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await thread.finished()
            } onGracefulShutdown: {
                _ = inbox.post(.drain)
            }
        } onCancel: {
            _ = inbox.post(.stop)
        }
        if let failure = outcome.failure { throw failure }
    }
}
