import ArgumentParser
import Generation
import Model
import Terminal
import Tokenizer

struct PerplexityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "perplexity",
        abstract: "How well the model predicts a text; llama-perplexity's definition.",
        discussion: """
            With --lossy it says what that costs, compared with the exact model. That one is \
            computed beside it and takes memory that --memory does not count: its keys and values, \
            and room for two layers' experts of a row.
            """
    )

    @OptionGroup var options: EvaluationOptions

    @Option(name: [.customShort("f"), .customLong("file")], help: "The text.")
    var file: String

    @Option(name: [.customShort("c"), .long], help: "Tokens per window.")
    var ctxSize = 256

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Score: Encodable {
        let perplexity: Double
        let tokens: Int
    }

    func validate() throws {
        guard (4...1 << 20).contains(ctxSize) else {
            throw ValidationError("-c is \(ctxSize); it must be 4 to \(1 << 20)")
        }
    }

    func run() async throws {
        try await CommandFailure.report {
            let text = try InputFile.read(file)
            var perplexity = try windows(of: text)
            guard options.memory.lossy == nil else { return try measureLoss(perplexity, of: text) }
            let evaluator = try options.makeEvaluator(positions: ctxSize)
            var uses: TierUses?
            for (number, window) in perplexity.windows.enumerated() {
                let first = perplexity.firstScored
                let scores = try await evaluator.evaluate(window, top: 0, scoreFrom: first)
                for score in scores.logProbabilities { perplexity.add(logProbability: score) }
                if let new = scores.expertUses {
                    uses = uses ?? TierUses()
                    uses?.add(new)
                }
                let value = Format.fixed(perplexity.value ?? 0, digits: 4)
                Console.progress(
                    "window \(number + 1) of \(perplexity.windows.count), perplexity \(value)"
                )
            }
            try report(perplexity, uses)
        }
    }

    /// - Parameter uses: of experts by its tokens; nil where they were exact.
    private func report(_ perplexity: Perplexity, _ uses: TierUses?) throws {
        guard let value = perplexity.value, value.isFinite else {
            throw CommandFailure(
                "the perplexity is not finite; the model's weights may be damaged",
                code: CommandFailure.dataError
            )
        }
        guard !json else {
            let score = Score(perplexity: value, tokens: perplexity.scoredCount)
            return try Console.writeJSON(Joined(score, uses.map(Inexactness.init)))
        }
        let tokens = Format.count(perplexity.scoredCount, "token")
        Console.write("perplexity \(Format.fixed(value, digits: 4)) over \(tokens)\n")
        if let uses { Console.write(Deviation(uses, nil).text + "\n") }
    }

    private func measureLoss(_ perplexity: Perplexity, of text: [UInt8]) throws {
        let measurement = try LossMeasurement(options, text, positions: ctxSize)
        let figures = try measurement.measure(perplexity)
        guard !json else { return try Console.writeJSON(figures) }
        Console.write(figures.text)
    }

    private func windows(of text: [UInt8]) throws -> Perplexity {
        let tokenizer = try Tokenizer(ModelFile(path: options.model.model).vocabulary())
        let tokens = try tokenizer.encode(text, addSpecial: true, parseSpecial: false)
        let perplexity = Perplexity(
            tokens: tokens,
            windowLength: ctxSize,
            bos: tokenizer.addsBOS ? tokenizer.bos : nil
        )
        guard !perplexity.windows.isEmpty else {
            throw CommandFailure(
                "\(file) has \(tokens.count) tokens, less than one window of \(ctxSize)",
                code: CommandFailure.dataError
            )
        }
        return perplexity
    }
}
