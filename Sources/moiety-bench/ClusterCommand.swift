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

    @Option(
        help: "How processes are joined: ipc, tcp, or curve for TCP with keys.",
        transform: { text in
            guard let link = ClusterLink(rawValue: text) else {
                let names = ClusterLink.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("--link is '\(text)'; it must be one of \(names)")
            }
            return link
        }
    )
    var link = ClusterLink.ipc

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
        layout.link = link
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

    @OptionGroup var workload: WorkloadOptions
    @OptionGroup var layout: LayoutOptions
    @OptionGroup var repetition: RepetitionOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let file = try ModelFile(path: workload.model)
        let layout = try layout.layout()
        let cluster = try BenchmarkCluster(
            model: workload.model,
            layout: layout,
            directory: ProgramProcess.siblingDirectory(),
            contextLength: max(8192, workload.promptTokens + workload.newTokens + 16),
            progress: Console.progress
        )
        defer { cluster.stop() }
        let prompts = PromptMaker(
            try Tokenizer(file.vocabulary()),
            vocabularyCount: file.description.vocabularyCount,
            seed: workload.seed
        )
        let benchmark = ClusterBenchmark(cluster, prompts: prompts)
        let before = try benchmark.trips()
        let prefill =
            try workload.promptTokens > 0
            ? sample("prefill") {
                try benchmark.prefillRate(promptTokenCount: workload.promptTokens)
            } : nil
        let between = try benchmark.trips()
        let decode =
            try workload.newTokens > 0
            ? sample("decode") {
                try benchmark.decodeRate(
                    tokenCount: workload.newTokens,
                    jobCount: workload.batch
                )
            } : nil
        let after = try benchmark.trips()
        let figures = ClusterFigures(
            model: file.description.name,
            layout: layout,
            rates: Rates(workload: workload, prefill: prefill, decode: decode),
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
        return try repetition.sample(what, measure)
    }
}

/// What `cluster` found, and what its `--json` prints.
private struct ClusterFigures: Encodable {
    private let model: String
    private let layout: BenchmarkCluster.Layout
    private let rates: Rates
    private let trips: Trips

    /// What trips to the workers took, prompts apart from answers, warming up included.
    struct Trips: Encodable {
        let prefill: TripAverages
        let decode: TripAverages
    }

    init(model: String, layout: BenchmarkCluster.Layout, rates: Rates, trips: Trips) {
        self.model = model
        self.layout = layout
        self.rates = rates
        self.trips = trips
    }

    var table: Table {
        var table = Table([("", .left), ("", .left)])
        table.add(["model", model])
        let threads =
            "\(layout.coordinatorThreads) + \(layout.workerCount) x \(layout.workerThreads)"
        table.add(["threads", "\(threads), on CPUs \(layout.processors)"])
        table.add(["link", layout.link.rawValue])
        let workload = rates.workload
        if let prefill = rates.prefill {
            table.add(["prefill \(workload.promptTokens)", prefill.text() + " tok/s"])
        }
        if let decode = rates.decode {
            let many = workload.batch > 1 ? ", \(workload.batch) jobs" : ""
            table.add(["decode \(workload.newTokens)\(many)", decode.text() + " tok/s"])
        }
        if rates.prefill != nil { table.add(["trips of prefill", "\(trips.prefill)"]) }
        if rates.decode != nil { table.add(["trips of decode", "\(trips.decode)"]) }
        return table
    }

    private enum CodingKeys: String, CodingKey {
        case model, threads, workers, cpus, link, trips
        case workerThreads = "worker_threads"
    }

    func encode(to encoder: any Encoder) throws {
        try rates.encode(to: encoder)
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(model, forKey: .model)
        try object.encode(layout.coordinatorThreads, forKey: .threads)
        try object.encode(layout.workerCount, forKey: .workers)
        try object.encode(layout.workerThreads, forKey: .workerThreads)
        try object.encode(layout.processors.numbers, forKey: .cpus)
        try object.encode(layout.link.rawValue, forKey: .link)
        try object.encode(trips, forKey: .trips)
    }
}
