import ArgumentParser
import Benchmarking
import Inference
import Kernels
import Model
import Terminal

struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Prefill and decode of a model in one process, as llama-bench measures them."
    )

    @Option(name: [.short, .long], help: "The model: a GGUF file, or its first part.")
    var model: String

    @Option(name: .short, help: "Tokens of the prompt; 0 measures no prefill.")
    var promptTokens = 512

    @Option(name: .short, help: "Tokens to make; 0 measures no decode.")
    var newTokens = 64

    @Option(help: "Tokens that the context holds before decode is measured.")
    var context = 0

    @Option(help: "Sequences that are decoded together.")
    var batch = 1

    @Flag(help: "Also measure how fast memory is read, beside each decode, and compare.")
    var bandwidth = false

    @Option(help: "Start of the random tokens.")
    var seed: UInt64 = 1

    @OptionGroup var threads: ThreadOptions
    @OptionGroup var repetition: RepetitionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        try requireRange("-p", promptTokens, 0...1 << 20)
        try requireRange("-n", newTokens, 0...1 << 20)
        try requireRange("--context", context, 0...1 << 20)
        try requireRange("--batch", batch, 1...256)
        guard promptTokens + newTokens > 0 else {
            throw ValidationError("-p and -n are 0; there is nothing to measure")
        }
    }

    func run() throws {
        let kernels = Kernels(
            instructionSet: try chosenInstructionSet(),
            threads: try threads.compute()
        )
        kernels.pool.bindCaller()
        let loaded = try LoadedModel(try ModelFile(path: model), kernels: kernels) { share in
            Console.progress("loading experts: \(Format.fixed(share * 100, digits: 0)) %")
        }
        let benchmark = ModelBenchmark(loaded, options: options)
        let reference = try BandwidthReference(wanted: bandwidth && newTokens > 0, kernels.pool)
        try benchmark.warmUp { share in
            Console.progress("filling contexts: \(Format.fixed(share * 100, digits: 0)) %")
        }
        let prefill = try promptTokens > 0 ? sample("prefill", benchmark.prefillRate) : nil
        let decode =
            try newTokens > 0
            ? sample("decode") {
                reference?.measure()
                return try benchmark.decodeRate()
            } : nil
        let figures = ModelFigures(
            command: self,
            loaded: loaded,
            prefill: prefill,
            decode: decode,
            bandwidth: reference?.sample
        )
        guard !output.json else { return try Console.writeJSON(figures) }
        Console.write(figures.table.text)
    }

    private var options: ModelBenchmark.Options {
        var options = ModelBenchmark.Options()
        options.promptTokenCount = promptTokens
        options.generatedTokenCount = newTokens
        options.depth = context
        options.sequenceCount = batch
        options.seed = seed
        return options
    }

    private func sample(_ what: String, _ measure: () throws -> Double) rethrows -> Sample {
        var done = 0
        return try Sample(repeating: repetition.repetitions) {
            done += 1
            Console.progress("\(what): \(done) of \(repetition.repetitions)")
            return try measure()
        }
    }
}

/// Bandwidth measured beside each repetition, in the way that is fastest here.
private final class BandwidthReference {
    private let bandwidth: ReadBandwidth
    private let pool: ThreadPool
    private let method: ReadMethod
    private var rates: [Double] = []

    init?(wanted: Bool, _ pool: ThreadPool) throws {
        guard wanted else { return nil }
        bandwidth = try ReadBandwidth()
        self.pool = pool
        method =
            bandwidth.measure(pool: pool) { share in
                Console.progress("bandwidth: \(Format.fixed(share * 100, digits: 0)) %")
            }.method
    }

    /// The median of a few passes counts, which take a tenth of a second together.
    func measure() {
        rates.append(Sample(repeating: 5) { bandwidth.pass(method, pool: pool) }.median)
    }

    var sample: Sample { Sample(rates) }
}
