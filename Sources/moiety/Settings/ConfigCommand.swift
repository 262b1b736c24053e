import ArgumentParser
import Settings
import Terminal

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Look at settings.",
        subcommands: [ShowCommand.self]
    )

    enum Daemon: String, CaseIterable, ExpressibleByArgument {
        case coordinator, worker

        func settings(file: String?) throws(SettingsError) -> [DescribedSetting] {
            switch self {
            case .coordinator: try CoordinatorSettings.load(file: file).describe()
            case .worker: try WorkerSettings.load(file: file).describe()
            }
        }
    }

    struct ShowCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Each setting of the daemons with its value and who gave it.",
            discussion: """
                Environment variables count before the file, the file before the defaults. Each \
                setting has a variable: coordinator.silence-limit is \
                MOIETY_COORDINATOR_SILENCE_LIMIT.
                """
        )

        @Argument(help: "Whose settings; both if left out.")
        var daemon: Daemon?

        @Option(help: "The settings file, instead of the user's or the system's.")
        var file: String?

        @Flag(help: "Print one JSON object.")
        var json = false

        private struct Settings: Encodable {
            let settings: [DescribedSetting]
        }

        func run() async throws {
            try await CommandFailure.report {
                let daemons = daemon.map { [$0] } ?? Daemon.allCases
                let settings = try daemons.flatMap { try $0.settings(file: file) }
                guard !json else { return try Console.writeJSON(Settings(settings: settings)) }
                var table = Table([("setting", .left), ("value", .left), ("origin", .left)])
                for setting in settings {
                    table.add([setting.key, setting.value ?? "-", "\(setting.origin)"])
                }
                Console.write(table.text)
            }
        }
    }
}
