import API
import ArgumentParser
import Coordinator
import Daemon
import Messaging
import Settings

/// Reads a coordinator's settings and runs it.
@main
struct Door: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "moiety-coordinator",
        abstract: "Serves a model whose experts are held by workers.",
        discussion: """
            Options count before MOIETY_COORDINATOR_… in the environment, then the settings file, \
            then the defaults; 'moiety config show coordinator' prints them all.

            Exit codes: 0 stopped as told, 1 failed, 64 wrong arguments, 65 the model is not \
            usable, 69 an address cannot be listened at, 78 a setting is not usable.
            """
    )

    @OptionGroup(title: "Settings") var settings: CoordinatorOptions
    @OptionGroup var daemon: DaemonOptions

    func run() async throws {
        let name = Self.configuration.commandName ?? "moiety-coordinator"
        let load = {
            @Sendable [given = settings.given, file = daemon.config] ()
                throws(SettingsError) in
            try CoordinatorSettings.load(commandLine: given, file: file)
        }
        let settings = try Daemon.settings(of: name, load)
        try await Daemon(name: name, logLevel: settings.logLevel).run(
            daemon,
            settings: settings,
            again: load,
            exitCode: Self.exitCode
        ) { manager, logger in
            APIService(settings: settings, manager: manager, logger: logger)
        }
    }

    private static func exitCode(of error: any Error) -> Int32 {
        switch error as? APIServiceError {
        case .cannotListen: return Daemon.addressError
        case .keys, .tls, .template: return Daemon.settingsError
        case nil: break
        }
        return switch error as? CoordinatorError {
        case .model, .tokenizer, .plan, .unreadablePlan: Daemon.dataError
        case .messaging(.addressInUse(_)), .messaging(.endpointRefused(_, _, _)):
            Daemon.addressError
        case .settings, .kernels, .key, .messaging(.keysNeeded(_)),
            .messaging(.invalidEndpoint(_, _)):
            Daemon.settingsError
        default: 1
        }
    }
}
