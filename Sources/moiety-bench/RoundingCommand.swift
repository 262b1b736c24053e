import ArgumentParser
import Benchmarking
import Kernels
import Tensors
import Terminal

struct RoundingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rounding",
        abstract: "How near weights in few bits come to what they were, and how long that takes.",
        discussion: """
            Normally distributed weights on one thread, with every instruction set, and beside \
            them plain rounding to the nearest between each part's ends.
            """
    )

    @OptionGroup var repetition: RepetitionOptions
    @OptionGroup var output: OutputOptions

    /// One line of `--json`.
    private struct Line: Encodable {
        let type: String
        let isa: String
        let nanosecondsPerWeight: Double
        let error: Double
        let plainError: Double

        enum CodingKeys: String, CodingKey {
            case type, isa, error
            case nanosecondsPerWeight = "ns_per_weight"
            case plainError = "plain_error"
        }
    }

    func run() throws {
        let benchmark = RoundingBenchmark()
        var lines: [Line] = []
        for type in WeightEncoder.types {
            for set in InstructionSet.supported {
                Console.progress("\(type.name), \(set.name)")
                let figure = try benchmark.measure(
                    type,
                    set,
                    repetitions: repetition.repetitions
                )
                lines.append(
                    Line(
                        type: type.name,
                        isa: set.name,
                        nanosecondsPerWeight: (figure.time.median * 1e9).rounded3,
                        error: figure.error,
                        plainError: figure.plainError
                    )
                )
            }
        }
        guard !output.json else { return try Console.writeJSON(lines) }
        var table = Table([
            ("type", .left), ("isa", .left), ("ns", .right), ("error", .right),
            ("plain", .right),
        ])
        for line in lines {
            table.add([
                line.type, line.isa, Format.fixed(line.nanosecondsPerWeight),
                Format.fixed(line.error * 100, digits: 2) + " %",
                Format.fixed(line.plainError * 100, digits: 2) + " %",
            ])
        }
        Console.write(table.text)
    }
}
