import ArgumentParser
import Benchmarking
import Generation
import Kernels
import Model
import Terminal

struct ResidencyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "residency",
        abstract: "What answers lose where tokens take only experts that are in memory.",
        discussion: """
            A token whose expert is absent takes its next-ranked present one. The experts that a \
            task uses most, counted on the first half of its text's windows, are compared on the \
            second half with those that all tasks use most and with random ones. docs/TIERS.md \
            says what that is for.
            """
    )

    @Option(name: [.short, .long], help: "The model: a GGUF file, or its first part.")
    var model: String

    @OptionGroup var texts: TextOptions

    @Option(help: "Percentages of each layer's experts that are in memory.")
    var percents = "20,40,60,80"

    @Option(help: "Start of all that is random.")
    var seed: UInt64 = 1

    @OptionGroup var threads: ThreadOptions
    @OptionGroup var output: OutputOptions

    private struct Figure: Encodable {
        let task: String
        let resident: String
        let percent: Double
        let bytes: Int
        let exactPerplexity: Double
        let perplexity: Double
        let loss: Double
        let divergence: Double
        let agreement: Double
        let greedyAgreement: Double

        enum CodingKeys: String, CodingKey {
            case task, resident, percent, bytes, perplexity
            case exactPerplexity = "exact_perplexity"
            case loss = "perplexity_loss"
            case divergence = "kl_divergence"
            case agreement = "same_likeliest"
            case greedyAgreement = "greedy_agreement_64"
        }
    }

    func validate() throws {
        _ = try shares()
        guard texts.windows >= 2 else {
            throw ValidationError("--windows is 1: one to count on and one to judge are needed")
        }
    }

    private func shares() throws -> [Double] {
        try percents.split(separator: ",").map { word in
            guard let percent = Double(word), percent > 0, percent <= 100 else {
                throw ValidationError("--percents has '\(word)'; each must be above 0, at most 100")
            }
            return percent / 100
        }
    }

    func run() throws {
        let file = try ModelFile(path: model)
        let kernels = try threads.kernels()
        let texts = try texts.read(file).map { task, windows in
            guard windows.count >= 2 else {
                throw ValidationError("\(task) has one window; make windows shorter (-c)")
            }
            return ResidencyBenchmark.Text(
                task: task,
                seen: Array(windows.prefix(windows.count / 2)),
                unseen: Array(windows.suffix(windows.count - windows.count / 2))
            )
        }
        let benchmark = try ResidencyBenchmark(file, kernels: kernels, progress: showLoading)
        kernels.pool.bindCaller()
        let results = try benchmark.run(texts, shares: try shares(), seed: seed) {
            Console.progress($0)
        }
        let figures = results.map { result in
            Figure(
                task: result.task,
                resident: result.choice.rawValue,
                percent: (result.share * 100).rounded3,
                bytes: result.byteCount,
                exactPerplexity: (result.loss.exactPerplexity ?? 0).rounded3,
                perplexity: (result.loss.lossyPerplexity ?? 0).rounded3,
                loss: (result.loss.perplexityLoss ?? 0).rounded3,
                divergence: (result.loss.divergence ?? 0).rounded3,
                agreement: (result.loss.agreement ?? 0).rounded3,
                greedyAgreement: result.greedyAgreement.rounded3
            )
        }
        guard !output.json else { return try Console.writeJSON(figures) }
        write(figures)
    }

    private func write(_ figures: [Figure]) {
        var table = Table([
            ("task", .left), ("resident", .left), ("experts", .right), ("memory", .right),
            ("perplexity", .right), ("loss", .right), ("KL", .right), ("same token", .right),
            ("same answer", .right),
        ])
        for figure in figures {
            table.add([
                figure.task, figure.resident, "\(Format.fixed(figure.percent, digits: 0)) %",
                Format.bytes(figure.bytes), Format.fixed(figure.perplexity),
                "\(Format.fixed(figure.loss * 100)) %", Format.fixed(figure.divergence, digits: 3),
                "\(Format.fixed(figure.agreement * 100, digits: 0)) %",
                "\(Format.fixed(figure.greedyAgreement * 100, digits: 0)) %",
            ])
        }
        Console.write(table.text)
    }
}
