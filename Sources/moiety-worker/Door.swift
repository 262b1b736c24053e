import ArgumentParser
import Daemon
import Messaging
import Settings
import Worker

/// Reads a worker's settings and runs it.
@main
struct Door: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "moiety-worker",
        abstract: "Holds experts of a model and computes them for a coordinator.",
        discussion: """
            Options count before MOIETY_WORKER_… in the environment, then the settings file, \
            then the defaults; 'moiety config show worker' prints them all.

            Exit codes: 0 stopped as told, 1 failed, 64 wrong arguments, 65 the model is not \
            usable, 78 a setting is not usable.
            """
    )

    @OptionGroup(title: "Settings") var settings: WorkerOptions
    @OptionGroup var daemon: DaemonOptions

    func run() async throws {
        let name = Self.configuration.commandName ?? "moiety-worker"
        let load = {
            @Sendable [given = settings.given, file = daemon.config] ()
                throws(SettingsError) in
            try WorkerSettings.load(commandLine: given, file: file)
        }
        let settings = try Daemon.settings(of: name, load)
        try await Daemon(name: name, logLevel: settings.logLevel).run(
            daemon,
            settings: settings,
            again: load,
            exitCode: Self.exitCode
        ) { manager, logger in
            WorkerService(settings: settings, manager: manager, logger: logger)
        }
    }

    private static func exitCode(of error: any Error) -> Int32 {
        switch error as? WorkerError {
        case .model: Daemon.dataError
        case .settings, .kernels, .key, .memory, .messaging(.keysNeeded(_)),
            .messaging(.invalidEndpoint(_, _)):
            Daemon.settingsError
        default: 1
        }
    }
}
