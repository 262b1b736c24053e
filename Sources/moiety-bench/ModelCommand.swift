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

    @OptionGroup var workload: WorkloadOptions

    @Option(help: "Tokens that the context holds before decode is measured.")
    var context = 0

    @Flag(help: "Also measure how fast memory is read, beside each decode, and compare.")
    var bandwidth = false

    @OptionGroup var memory: BenchMemoryOptions
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var repetition: RepetitionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        try requireRange("--context", context, 0...1 << 20)
    }

    func run() throws {
        let kernels = try threads.kernels()
        let loaded = try load(try ModelFile(path: workload.model), kernels)
        let disk = try DiskReference(loaded)
        kernels.pool.bindCaller()
        let benchmark = ModelBenchmark(loaded, options: options)
        let reference = try BandwidthReference(wanted: bandwidth && decodes, kernels.pool)
        try benchmark.warmUp { share in
            Console.progress("filling contexts: \(Format.fixed(share * 100, digits: 0)) %")
        }
        let prefill =
            try workload.promptTokens > 0
            ? repetition.sample("prefill", benchmark.prefillRate) : nil
        let decode =
            try decodes
            ? repetition.sample("decode") {
                reference?.measure()
                return try disk?.measure(benchmark.decodeRate) ?? benchmark.decodeRate()
            } : nil
        let figures = ModelFigures(
            loaded: loaded,
            depth: context,
            rates: Rates(workload: workload, prefill: prefill, decode: decode),
            bandwidth: reference?.sample,
            disk: disk?.figures(tokenCount: workload.newTokens * workload.batch)
        )
        guard !output.json else { return try Console.writeJSON(figures) }
        Console.write(figures.table.text)
    }

    private func load(_ file: ModelFile, _ kernels: Kernels) throws -> LoadedModel {
        guard let budget = try memory.allowance() else {
            return try LoadedModel(file, kernels: kernels, progress: showLoading)
        }
        let working = options.workingMemory(file.description, threadCount: kernels.threadCount)
        return try LoadedModel(
            file,
            kernels: kernels,
            budget: budget,
            working: working.byteCount + DirectReads.memoryByteCount,
            progress: { share in
                Console.progress("experts: \(Format.fixed(share * 100, digits: 0)) %")
            },
            onTrouble: { trouble in Console.note("moiety-bench: \(trouble)") }
        )
    }

    private var decodes: Bool { workload.newTokens > 0 }

    private var options: ModelBenchmark.Options {
        var options = ModelBenchmark.Options()
        options.promptTokenCount = workload.promptTokens
        options.generatedTokenCount = workload.newTokens
        options.depth = context
        options.sequenceCount = workload.batch
        options.seed = workload.seed
        return options
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
