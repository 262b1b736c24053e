public import ArgumentParser
import Foundation
public import Logging
public import Messaging
public import ServiceLifecycle
public import Settings
import UnixSignals

/// What every daemon's command line has beside its settings.
public struct DaemonOptions: ParsableArguments {
    @Option(help: "The settings file, instead of the user's or the system's.")
    public var config: String?

    @Option(
        help: ArgumentHelp(
            "End, at once, when the process of this id ends, which started this one.",
            valueName: "pid"
        )
    )
    public var exitWithParent: Int32?

    public init() {}
}

/// A service as a process: its log, its signals and its exit codes.
///
/// SIGTERM and SIGINT shut the service down gracefully; the second of them ends the process. SIGHUP
/// has it read its settings anew.
public struct Daemon {
    /// A file or its content is not usable (EX_DATAERR).
    public static let dataError: Int32 = 65
    /// An address cannot be listened at (EX_UNAVAILABLE): another process does, or nobody may.
    public static let addressError: Int32 = 69
    /// A setting is not usable (EX_CONFIG): starting again will not help.
    public static let settingsError: Int32 = 78

    private let name: String
    private let threshold: LogThreshold
    private let logger: Logger

    /// Sets the log up, once per process.
    public init(name: String, logLevel: LogLevel) {
        self.name = name
        let style = LineLogHandler.style
        let threshold = LogThreshold(logLevel)
        self.threshold = threshold
        LoggingSystem.bootstrap { _ in LineLogHandler(style: style, threshold: threshold) }
        logger = Logger(label: name)
    }

    /// Runs the service until it ends or is told to.
    ///
    /// - Parameters:
    ///   - settings: what the daemon runs with.
    ///   - read: reads them anew, at SIGHUP.
    ///   - exitCode: what an error of the service means.
    ///   - makeService: takes the service manager and the logger that the service shall use.
    /// - Throws: the exit code, after telling why.
    public func run<Settings: DaemonSettings>(
        _ options: DaemonOptions,
        settings: Settings,
        again read: @escaping @Sendable () throws(SettingsError) -> Settings,
        exitCode: (any Error) -> Int32,
        makeService: (ServiceManager, Logger) -> some Service
    ) async throws(ExitCode) {
        try endWithParent(options.exitWithParent)
        Descriptors.claim(logger)
        if settings.locksMemory { try lockMemory() }
        let impatience = SecondSignal()
        defer { impatience.cancel() }
        let manager = ServiceManager(environment: ProcessInfo.processInfo.environment)
        let live = LiveSettings(settings, threshold: threshold, logger: logger, read: read)
        let reloading = Reloading { manager.tellReloading(while: live.reload) }
        defer { reloading.cancel() }
        try await run(makeService(manager, logger), exitCode: exitCode)
    }

    private func run(
        _ service: some Service,
        exitCode: (any Error) -> Int32
    ) async throws(ExitCode) {
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    ServiceGroupConfiguration.ServiceConfiguration(
                        service: service,
                        successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .cancelGroup
                    )
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: quietLogger
            )
        )
        do {
            try await group.run()
        } catch {
            logger.critical("\(name) cannot go on", metadata: ["reason": "\(error)"])
            throw ExitCode(exitCode(error))
        }
    }

    /// Reads settings, or says what is wrong with them.
    public static func settings<Settings>(
        of name: String,
        _ read: () throws(SettingsError) -> Settings
    ) throws(ExitCode) -> Settings {
        do {
            return try read()
        } catch {
            LineLogHandler.write("\(name): \(error)\n")
            throw ExitCode(settingsError)
        }
    }

    /// The service group's own story is of no use to people.
    private var quietLogger: Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }

    private func lockMemory() throws(ExitCode) {
        guard let reason = LockedMemory.claim() else { return }
        logger.critical("\(name) cannot go on", metadata: ["reason": "\(reason)"])
        throw ExitCode(Self.settingsError)
    }

    private func endWithParent(_ parent: Int32?) throws(ExitCode) {
        guard let parent else { return }
        let status = ParentWatch.start()
        guard status == 0 else {
            logger.critical(
                "\(name) cannot watch the process that started it",
                metadata: ["errno": "\(status)"]
            )
            throw ExitCode.failure
        }
        // It may have ended before the kernel was asked.
        guard getppid() == parent else { throw ExitCode.failure }
    }
}
