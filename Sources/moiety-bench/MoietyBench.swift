import ArgumentParser
import Terminal
import Wire

/// The front door for measuring: each command parses its arguments, measures, and prints.
@main
struct MoietyBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "moiety-bench",
        abstract: "Measures Moiety and the machine that it runs on.",
        discussion: """
            Figures are medians; --json prints them, with the least and the most, as one JSON \
            object. Nothing else should run meanwhile. docs/PERFORMANCE.md says what each figure \
            means and what it was here; `make bench` compares with llama.cpp.

            MOIETY_ISA=scalar, avx2 or avx512 forces an instruction set.
            """,
        version: Build.version,
        groupedSubcommands: [
            CommandGroup(
                name: "The machine",
                subcommands: [BandwidthCommand.self, DiskCommand.self, KernelsCommand.self]
            ),
            CommandGroup(
                name: "One process",
                subcommands: [ModelCommand.self, LoadCommand.self]
            ),
            CommandGroup(
                name: "A cluster",
                subcommands: [ClusterCommand.self, ShardsCommand.self]
            ),
            CommandGroup(
                name: "Plans",
                subcommands: [PlacementCommand.self, CountingCommand.self]
            ),
            CommandGroup(
                name: "Experts that do not fit",
                subcommands: [
                    CalibrateCacheCommand.self, PredictCommand.self, SensitivityCommand.self,
                    ResidencyCommand.self, ProfileCommand.self, AdmissionCommand.self,
                    RoundingCommand.self, ImportanceCommand.self, ForesightCommand.self,
                ]
            ),
            CommandGroup(
                name: "Files to measure with",
                subcommands: [MakeModelCommand.self]
            ),
        ]
    )
}
