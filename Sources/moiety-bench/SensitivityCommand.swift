import ArgumentParser
import Benchmarking
import Kernels
import Model
import Terminal

struct SensitivityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sensitivity",
        abstract: "Which layers a task's answers do not depend on.",
        discussion: """
            Experts of the first layers are replaced by random ones, one layer more at a time. \
            Layers are insensitive as long as the likeliest next tokens stay the same in so many \
            positions as --threshold says. docs/TIERS.md says what that is for.
            """
    )

    @Option(name: [.short, .long], help: "The model: a GGUF file, or its first part.")
    var model: String

    @OptionGroup var texts: TextOptions

    @Option(help: "The least part of the positions that may stay the same.")
    var threshold = 0.85

    @OptionGroup var threads: ThreadOptions
    @OptionGroup var output: OutputOptions

    private struct Figure: Encodable {
        let task: String
        let insensitiveLayers: Int
        let agreement: [Double]
        let perplexity: [Double]

        enum CodingKeys: String, CodingKey {
            case task, agreement, perplexity
            case insensitiveLayers = "insensitive_layers"
        }
    }

    func validate() throws {
        guard (0...1).contains(threshold) else {
            throw ValidationError("--threshold is \(threshold); it must be 0 to 1")
        }
    }

    func run() throws {
        let file = try ModelFile(path: model)
        let kernels = try threads.kernels()
        let texts = try texts.read(file)
        let benchmark = try SensitivityBenchmark(file, kernels: kernels, progress: showLoading)
        kernels.pool.bindCaller()
        let figures = try texts.map { task, windows in
            let results = try benchmark.run(windows) { Console.progress("\(task): \($0)") }
            let alike = results.prefix { $0.agreement >= threshold }
            return Figure(
                task: task,
                insensitiveLayers: max(0, alike.count - 1),
                agreement: results.map(\.agreement.rounded3),
                perplexity: results.map(\.perplexity.rounded3)
            )
        }
        guard !output.json else { return try Console.writeJSON(figures) }
        write(figures, layers: benchmark.expertLayers.count)
    }

    private func write(_ figures: [Figure], layers: Int) {
        let counts = (0...layers).map { (title: "\($0) random", alignment: Table.Alignment.right) }
        var table = Table([("task", .left)] + counts + [("insensitive", .right)])
        for figure in figures {
            let cells = zip(figure.agreement, figure.perplexity).map { agreement, perplexity in
                "\(Format.fixed(agreement * 100, digits: 0)) %, \(Format.fixed(perplexity))"
            }
            table.add([figure.task] + cells + ["\(figure.insensitiveLayers) layers"])
        }
        Console.write(table.text)
    }
}
