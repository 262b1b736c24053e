import ArgumentParser
import Benchmarking
import Foundation
import Kernels
import Model
import Terminal
import Tokenizer

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

    @Option(help: "A text of each task.")
    var text: [String]

    @Option(help: "Windows of each text.")
    var windows = 2

    @Option(name: [.customShort("c"), .long], help: "Tokens per window.")
    var ctxSize = 256

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
        try requireRange("--windows", windows, 1...10_000)
        try requireRange("-c", ctxSize, 4...1 << 20)
        guard (0...1).contains(threshold) else {
            throw ValidationError("--threshold is \(threshold); it must be 0 to 1")
        }
    }

    func run() throws {
        let file = try ModelFile(path: model)
        let kernels = Kernels(
            instructionSet: try chosenInstructionSet(),
            threads: try threads.compute()
        )
        kernels.pool.bindCaller()
        let texts = try text.map { (path: $0, windows: try tokens(of: $0, file)) }
        let benchmark = try SensitivityBenchmark(file, kernels: kernels) { share in
            Console.progress("loading experts: \(Format.fixed(share * 100, digits: 0)) %")
        }
        let figures = try texts.map { path, windows in
            let name = URL(filePath: path).deletingPathExtension().lastPathComponent
            let results = try benchmark.run(windows) { Console.progress("\(name): \($0)") }
            let alike = results.prefix { $0.agreement >= threshold }
            return Figure(
                task: name,
                insensitiveLayers: max(0, alike.count - 1),
                agreement: results.map(\.agreement.rounded3),
                perplexity: results.map(\.perplexity.rounded3)
            )
        }
        guard !output.json else { return try Console.writeJSON(figures) }
        write(figures, layers: benchmark.expertLayers.count)
    }

    private func tokens(of path: String, _ file: ModelFile) throws -> [[Int32]] {
        let tokenizer = try Tokenizer(file.vocabulary())
        let text = Array(try Data(contentsOf: URL(filePath: path)))
        let tokens = try tokenizer.encode(text, addSpecial: true, parseSpecial: false)
        guard tokens.count >= ctxSize else {
            throw ValidationError(
                "\(path) has \(tokens.count) tokens, less than one window of \(ctxSize)"
            )
        }
        return (0..<min(windows, tokens.count / ctxSize)).map { index in
            Array(tokens[index * ctxSize..<(index + 1) * ctxSize])
        }
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
