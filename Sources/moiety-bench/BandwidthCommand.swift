import ArgumentParser
import Benchmarking
import Kernels
import Terminal

struct BandwidthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bandwidth",
        abstract: "The best rate at which 1 to n threads read memory.",
        discussion: """
            Tries widths of loads, numbers of streams, software prefetches and page sizes in turn; \
            what did best is measured again, and its median counts if plain loads do not beat it.
            """
    )

    @OptionGroup var memory: MemoryOptions
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var output: OutputOptions

    @Option(name: [.short, .long], help: "How often the best ways are measured.")
    var repetitions = 11

    func validate() throws {
        try requireRange("--repetitions", repetitions, 1...1000)
    }

    func run() throws {
        let bandwidth = try ReadBandwidth(byteCount: memory.byteCount)
        let most = try threads.compute()
        // All before the first is used: a bound thread sees its own CPU only.
        let counts = try (1...most.count).map { try ComputeThreads(wanted: $0, cpus: most.cpus) }
        let results = counts.map { threads in
            bandwidth.measure(
                pool: Self.pool(threads),
                repetitions: repetitions,
                progress: {
                    let share = Format.fixed($0 * 100, digits: 0)
                    Console.progress("\(Format.count(threads.count, "thread")): \(share) %")
                }
            )
        }
        guard !output.json else { return try Console.writeJSON(BandwidthFigures(results)) }
        Console.write(Self.table(results).text)
    }

    /// A pool that the main thread is part of.
    private static func pool(_ threads: ComputeThreads) -> ThreadPool {
        let pool = ThreadPool(threads)
        pool.bindCaller()
        return pool
    }

    private static func table(_ results: [ReadBandwidth.Result]) -> Table {
        var table = Table([
            ("threads", .right), ("GB/s", .right), ("plain", .right), ("best way", .left),
        ])
        for result in results {
            table.add([
                "\(result.threadCount)",
                result.best.map(\.giga).text(),
                result.plain.map(\.giga).text(),
                result.method.description,
            ])
        }
        return table
    }
}

/// What `bandwidth --json` prints; lists have one value per number of threads.
private struct BandwidthFigures: Encodable {
    let readGBPerSecond: [Double]
    let minimum: [Double]
    let maximum: [Double]
    let plainGBPerSecond: [Double]
    let methods: [String]

    enum CodingKeys: String, CodingKey {
        case readGBPerSecond = "read_gb_s"
        case minimum = "read_gb_s_min"
        case maximum = "read_gb_s_max"
        case plainGBPerSecond = "plain_gb_s"
        case methods
    }

    init(_ results: [ReadBandwidth.Result]) {
        readGBPerSecond = results.map { $0.best.median.giga.rounded3 }
        minimum = results.map { $0.best.minimum.giga.rounded3 }
        maximum = results.map { $0.best.maximum.giga.rounded3 }
        plainGBPerSecond = results.map { $0.plain.median.giga.rounded3 }
        methods = results.map(\.method.description)
    }
}
