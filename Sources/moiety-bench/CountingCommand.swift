import ArgumentParser
import Benchmarking
import Model
import Terminal

struct CountingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "counting",
        abstract: "What counting the routers' choices takes, per token.",
        discussion: """
            The coordinator counts in every step, on its step thread, while workers compute. \
            Compare with what a token takes: `moiety-bench cluster`.
            """
    )

    @Option(name: [.short, .long], help: "The model: a GGUF file, or its first part.")
    var model: String

    @OptionGroup var repetition: RepetitionOptions
    @OptionGroup var output: OutputOptions

    private struct Figure: Encodable {
        let rows: Int
        let recording: Bool
        let microseconds: Double

        enum CodingKeys: String, CodingKey {
            case rows, recording
            case microseconds = "us_per_token"
        }
    }

    func run() throws {
        let description = try ModelFile(path: model).description
        var figures: [Figure] = []
        for rows in [1, 8, 256] {
            for recording in [false, true] {
                let benchmark = CountingBenchmark(
                    model: description,
                    rowCount: rows,
                    isRecording: recording
                )
                // Once for warming up.
                _ = benchmark.secondsPerRow()
                let sample = repetition.sample("\(rows) rows") { benchmark.secondsPerRow() }
                let microseconds = (sample.median * 1e9).rounded() / 1e3
                figures.append(Figure(rows: rows, recording: recording, microseconds: microseconds))
            }
        }
        guard !output.json else { return try Console.writeJSON(figures) }
        var table = Table([("rows of a step", .right), ("", .left), ("us per token", .right)])
        for figure in figures {
            let what = figure.recording ? "with a trace" : ""
            table.add(["\(figure.rows)", what, Format.fixed(figure.microseconds, digits: 3)])
        }
        Console.write(table.text)
    }
}
