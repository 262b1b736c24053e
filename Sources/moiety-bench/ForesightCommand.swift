import ArgumentParser
import Benchmarking
import Kernels
import Model
import Terminal

struct ForesightCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "foresight",
        abstract: "How often experts of coming layers are guessed right, by layers ahead.",
        discussion: """
            Routers of the next three layers are asked with the stream as it is, and their \
            choice, token by token, is compared with the one they make when the stream comes to \
            them. The part of the experts that were guessed, and in brackets the part of the \
            tokens whose heaviest expert was. docs/PERFORMANCE.md says what that is for.
            """
    )

    @Option(name: [.short, .long], help: "The model: a GGUF file, or its first part.")
    var model: String

    @OptionGroup var texts: TextOptions
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var output: OutputOptions

    private struct Figure: Encodable {
        let task: String
        /// By layers ahead, from 0 on.
        let accuracy: [Double]
        let firstAccuracy: [Double]

        enum CodingKeys: String, CodingKey {
            case task, accuracy
            case firstAccuracy = "first_accuracy"
        }

        init(_ task: String, _ scores: [ForesightScore]) {
            self.task = task
            accuracy = scores.compactMap(\.accuracy).map(\.rounded3)
            firstAccuracy = scores.compactMap(\.firstAccuracy).map(\.rounded3)
        }
    }

    func run() throws {
        let file = try ModelFile(path: model)
        let kernels = try threads.kernels()
        let texts = try texts.read(file)
        let benchmark = try ForesightBenchmark(file, kernels: kernels, progress: showLoading)
        kernels.pool.bindCaller()
        var figures: [Figure] = []
        var all: [ForesightScore] = []
        for (task, windows) in texts {
            Console.progress("\(task): guessing")
            let scores = try benchmark.run(windows)
            figures.append(Figure(task, scores))
            if all.isEmpty { all = scores.map { _ in ForesightScore() } }
            for (distance, score) in scores.enumerated() { all[distance].add(score) }
        }
        figures.append(Figure("all", all))
        guard !output.json else { return try Console.writeJSON(figures) }
        write(figures)
    }

    private func write(_ figures: [Figure]) {
        let distances = figures.map(\.accuracy.count).max() ?? 0
        let columns = (0..<distances).map {
            (title: "\($0) ahead", alignment: Table.Alignment.right)
        }
        var table = Table([("text", .left)] + columns)
        for figure in figures {
            let cells = zip(figure.accuracy, figure.firstAccuracy).map { accuracy, first in
                "\(Format.fixed(accuracy * 100)) % (\(Format.fixed(first * 100)))"
            }
            table.add([figure.task] + cells)
        }
        Console.write(table.text)
    }
}
