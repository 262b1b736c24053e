public import Logging
import Messaging
public import ServiceLifecycle
public import Settings

/// The coordinator as a service: a model, its sockets, and the two threads that use them.
public struct CoordinatorService: Service {
    private let settings: CoordinatorSettings
    private let logger: Logger

    public init(settings: CoordinatorSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    /// Serves until shut down gracefully or cancelled.
    ///
    /// The resolved endpoints stand in the state directory, in `worker-endpoint` and
    /// `client-endpoint`, from when they can be connected to.
    ///
    /// - Throws: `CoordinatorError` when it cannot start, or cannot go on.
    public func run() async throws {
        let inbox = try Mailbox<LoopCommand>(limit: LoopCommand.queueLimit)
        let outcome = ThreadOutcome<CoordinatorError>()
        let thread = try NamedThread("moiety-loop") { [settings, logger] in
            outcome.record { () throws(CoordinatorError) in
                try CoordinatorProcess(settings: settings, inbox: inbox, logger: logger).run()
            }
        }
        await withTaskCancellationOrGracefulShutdownHandler {
            await thread.finished()
        } onCancelOrGracefulShutdown: {
            _ = inbox.post(.stop)
        }
        if let failure = outcome.failure { throw failure }
    }
}
