import ArgumentParser
import Model
import Terminal

struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Look at model files.",
        subcommands: [ShowCommand.self]
    )

    struct ShowCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "What a model is made of: sizes, layers, experts, tensor types."
        )

        @Argument(help: "The model: a GGUF file, or its first part.")
        var file: String

        @Flag(help: "Print one JSON object.")
        var json = false

        func run() async throws {
            try await CommandFailure.report {
                let summary = try ModelSummary(ModelFile(path: file))
                guard !json else { return try Console.writeJSON(summary) }
                Console.write(summary.text)
            }
        }
    }
}
