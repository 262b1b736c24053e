import ArgumentParser
import Benchmarking
import Cluster
import Foundation
import Kernels
import Model
import Terminal
import Tokenizer

/// Which processors a cluster runs on, and how.
struct LayoutOptions: ParsableArguments {
    @Option(help: "Workers; each has one of the CPUs and whole experts.")
    var workers = 2

    @Option(help: "CPUs that the cluster may use: 0,2 or 0-3; all without.")
    var cpus: String?

    @Option(help: "The coordinator's threads; 0 takes one per CPU.")
    var coordinatorThreads = 0

    @Option(help: "Threads of each worker.")
    var workerThreads = 1

    @Option(help: "Further options of the coordinator, as one text with spaces.")
    var coordinatorOptions = ""

    @Option(help: "Further options of each worker, as one text with spaces.")
    var workerOptions = ""

    func validate() throws {
        try requireRange("--workers", workers, 1...64)
        try requireRange("--coordinator-threads", coordinatorThreads, 0...1024)
        try requireRange("--worker-threads", workerThreads, 1...1024)
        _ = try processors()
    }

    private func processors() throws -> ProcessorSet {
        let cpus = try cpuList(cpus) ?? Cores.current().cpus
        return ProcessorSet(cpus)
    }

    func layout() throws -> BenchmarkCluster.Layout {
        var layout = BenchmarkCluster.Layout(processors: try processors())
        layout.workerCount = workers
        if coordinatorThreads > 0 { layout.coordinatorThreads = coordinatorThreads }
        layout.workerThreads = workerThreads
        layout.coordinatorArguments = coordinatorOptions.split(separator: " ").map(String.init)
        layout.workerArguments = workerOptions.split(separator: " ").map(String.init)
        return layout
    }
}

struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Prefill and decode of a coordinator and workers on this machine.",
        discussion: """
            Starts the daemons that lie beside moiety-bench, asks them as a client does, and stops \
            them. The figures are the coordinator's, as `moiety submit` shows them.
            """
    )

    @Option(name: [.short, .long], help: "The model: a GGUF file, or its first part.")
    var model: String

    @Option(name: .short, help: "Tokens of the prompt; 0 measures no prefill.")
    var promptTokens = 512

    @Option(name: .short, help: "Tokens to make; 0 measures no decode.")
    var newTokens = 64

    @Option(help: "Jobs that are decoded together.")
    var batch = 1

    @Option(help: "Start of the random prompts.")
    var seed: UInt64 = 1

    @OptionGroup var layout: LayoutOptions
    @OptionGroup var repetition: RepetitionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        try requireRange("-p", promptTokens, 0...1 << 20)
        try requireRange("-n", newTokens, 0...1 << 20)
        try requireRange("--batch", batch, 1...256)
        guard promptTokens + newTokens > 0 else {
            throw ValidationError("-p and -n are 0; there is nothing to measure")
        }
    }

    func run() throws {
        let file = try ModelFile(path: model)
        let layout = try layout.layout()
        let cluster = try BenchmarkCluster(
            model: model,
            layout: layout,
            directory: ProgramProcess.siblingDirectory(),
            contextLength: max(8192, promptTokens + newTokens + 16),
            progress: Console.progress
        )
        defer { cluster.stop() }
        let prompts = PromptMaker(
            try Tokenizer(file.vocabulary()),
            vocabularyCount: file.description.vocabularyCount,
            seed: seed
        )
        let benchmark = ClusterBenchmark(cluster, prompts: prompts)
        let before = try benchmark.trips()
        let prefill =
            try promptTokens > 0
            ? sample("prefill") {
                try benchmark.prefillRate(promptTokenCount: promptTokens)
            } : nil
        let between = try benchmark.trips()
        let decode =
            try newTokens > 0
            ? sample("decode") {
                try benchmark.decodeRate(tokenCount: newTokens, jobCount: batch)
            } : nil
        let after = try benchmark.trips()
        let figures = ClusterFigures(
            model: file.description.name,
            command: self,
            layout: layout,
            prefill: prefill,
            decode: decode,
            trips: ClusterFigures.Trips(
                prefill: TripAverages(between.since(before).total),
                decode: TripAverages(after.since(between).total)
            )
        )
        guard !output.json else { return try Console.writeJSON(figures) }
        Console.write(figures.table.text)
    }

    /// Once for warming up, then as often as wanted.
    private func sample(_ what: String, _ measure: () throws -> Double) rethrows -> Sample {
        _ = try measure()
        var done = 0
        return try Sample(repeating: repetition.repetitions) {
            done += 1
            Console.progress("\(what): \(done) of \(repetition.repetitions)")
            return try measure()
        }
    }
}

/// What `cluster` found, and what its `--json` prints.
private struct ClusterFigures: Encodable {
    private let model: String
    private let promptTokenCount: Int
    private let newTokenCount: Int
    private let jobCount: Int
    private let layout: BenchmarkCluster.Layout
    private let prefill: Sample?
    private let decode: Sample?
    private let trips: Trips

    /// What trips to the workers took, prompts apart from answers, warming up included.
    struct Trips: Encodable {
        let prefill: TripAverages
        let decode: TripAverages
    }

    init(
        model: String,
        command: ClusterCommand,
        layout: BenchmarkCluster.Layout,
        prefill: Sample?,
        decode: Sample?,
        trips: Trips
    ) {
        self.model = model
        promptTokenCount = command.promptTokens
        newTokenCount = command.newTokens
        jobCount = command.batch
        self.layout = layout
        self.prefill = prefill
        self.decode = decode
        self.trips = trips
    }

    var table: Table {
        var table = Table([("", .left), ("", .left)])
        table.add(["model", model])
        let threads =
            "\(layout.coordinatorThreads) + \(layout.workerCount) x \(layout.workerThreads)"
        table.add(["threads", "\(threads), on CPUs \(layout.processors)"])
        if let prefill { table.add(["prefill \(promptTokenCount)", prefill.text() + " tok/s"]) }
        if let decode {
            let many = jobCount > 1 ? ", \(jobCount) jobs" : ""
            table.add(["decode \(newTokenCount)\(many)", decode.text() + " tok/s"])
        }
        if prefill != nil { table.add(["trips of prefill", "\(trips.prefill)"]) }
        if decode != nil { table.add(["trips of decode", "\(trips.decode)"]) }
        return table
    }

    private enum CodingKeys: String, CodingKey {
        case model, threads, workers, batch, cpus, trips
        case workerThreads = "worker_threads"
        case promptTokens = "prompt_tokens"
        case newTokens = "new_tokens"
        case prefill = "prefill_tok_s"
        case prefillMinimum = "prefill_tok_s_min"
        case prefillMaximum = "prefill_tok_s_max"
        case decode = "decode_tok_s"
        case decodeMinimum = "decode_tok_s_min"
        case decodeMaximum = "decode_tok_s_max"
    }

    func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(model, forKey: .model)
        try object.encode(layout.coordinatorThreads, forKey: .threads)
        try object.encode(layout.workerCount, forKey: .workers)
        try object.encode(layout.workerThreads, forKey: .workerThreads)
        try object.encode(layout.processors.numbers, forKey: .cpus)
        try object.encode(promptTokenCount, forKey: .promptTokens)
        try object.encode(newTokenCount, forKey: .newTokens)
        try object.encode(jobCount, forKey: .batch)
        try object.encodeIfPresent(prefill?.median.rounded3, forKey: .prefill)
        try object.encodeIfPresent(prefill?.minimum.rounded3, forKey: .prefillMinimum)
        try object.encodeIfPresent(prefill?.maximum.rounded3, forKey: .prefillMaximum)
        try object.encodeIfPresent(decode?.median.rounded3, forKey: .decode)
        try object.encodeIfPresent(decode?.minimum.rounded3, forKey: .decodeMinimum)
        try object.encodeIfPresent(decode?.maximum.rounded3, forKey: .decodeMaximum)
        try object.encode(trips, forKey: .trips)
    }
}
