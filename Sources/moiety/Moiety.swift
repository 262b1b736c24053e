import ArgumentParser
import Wire

/// The front door for people: every command parses its arguments and calls one service.
@main
struct Moiety: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "moiety",
        abstract: "Serves Mixture-of-Experts language models across ordinary CPU machines.",
        discussion: """
            Results go to standard output, progress and errors to standard error.

            Exit codes: 0 done, 1 failed, 2 the cluster is unreachable or not ready, \
            64 wrong arguments, 65 a file or its content is not usable, 69 an address \
            cannot be listened at, 74 output cannot be written, 78 a setting is not usable, \
            130 interrupted. docs/ERRORS.md lists every message.
            """,
        version: Build.version,
        groupedSubcommands: [
            CommandGroup(
                name: "In one process",
                subcommands: [
                    RunCommand.self, PerplexityCommand.self, LogitsCommand.self,
                    ModelCommand.self, TokenizeCommand.self,
                ]
            ),
            CommandGroup(
                name: "With a cluster",
                subcommands: [
                    ServeCommand.self, SubmitCommand.self, JobsCommand.self, JobCommand.self,
                    WaitCommand.self, CancelCommand.self, NodesCommand.self, ExpertsCommand.self,
                    StatusCommand.self, AdminCommand.self,
                ]
            ),
            CommandGroup(name: "Planning", subcommands: [SolveCommand.self]),
            CommandGroup(name: "On a worker's machine", subcommands: [CacheCommand.self]),
            CommandGroup(
                name: "Settings",
                subcommands: [ConfigCommand.self, KeysCommand.self, DoctorCommand.self]
            ),
        ]
    )
}
