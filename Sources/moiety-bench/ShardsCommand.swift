import ArgumentParser
import Benchmarking
import Kernels
import Tensors
import Terminal

struct ShardsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shards",
        abstract: "One layer of experts on several workers: whole experts against shards.",
        discussion: """
            The comparison of MoEShard: rows visit one expert each, a tenth of the experts far \
            more often than the others. Each worker's part is computed alone on one thread; a \
            layer's time is that of the busiest worker: replayed, without links and with them. \
            Plans are made from other rows than those that are measured. 'padded' computes as \
            DeepSpeed does: every expert min(E, 50) times the mean of rows.
            """
    )

    @Option(help: "Types of weights with commas between them: F32, F16, BF16 or of blocks of 32.")
    var types = "F32,Q8_0"

    @Option(help: "Numbers of experts with commas between them.")
    var experts = "8,16,32,64,128,256"

    @Option(help: "Numbers of sequences with commas between them.")
    var sequences = "50"

    @Option(help: "Rows of each sequence.")
    var length = 120

    @Option(help: "Workers that share the layer.")
    var workers = 4

    @Option(help: "Values of a row.")
    var hidden = 768

    @Option(help: "Feed-forward dimensions of an expert; a multiple of 32 for each worker.")
    var width = 2048

    @Option(help: "Gigabits per second of each worker's link.")
    var gigabits = 10.0

    @OptionGroup var repetition: RepetitionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        try requireRange("--length", length, 1...4096)
        try requireRange("--workers", workers, 1...64)
        try requireRange("--hidden", hidden, 32...16_384)
        try requireRange("--width", width, 32 * workers...65_536)
        guard gigabits > 0, gigabits.isFinite else {
            throw ValidationError("--gigabits is \(gigabits); it must be above 0")
        }
        guard hidden % 32 == 0, width % (32 * workers) == 0 else {
            throw ValidationError(
                "--hidden must be a multiple of 32, --width one of 32 for each worker"
            )
        }
        _ = try chosenTypes()
        _ = try numbers(experts, "--experts", workers...4096)
        _ = try numbers(sequences, "--sequences", 1...4096)
    }

    func run() throws {
        let set = try chosenInstructionSet()
        var figures: [ShardFigure] = []
        for type in try chosenTypes() {
            let benchmark = ShardBenchmark(
                ShardBenchmark.Layer(
                    type: type,
                    hiddenSize: hidden,
                    expertWidth: width,
                    workerCount: workers
                ),
                bandwidth: gigabits * 1e9 / 8,
                instructionSet: set,
                repetitions: repetition.repetitions
            )
            for count in try numbers(experts, "--experts", workers...4096) {
                for sequences in try numbers(sequences, "--sequences", 1...4096) {
                    Console.progress("\(type.name), \(count) experts, \(sequences) sequences")
                    let rows = SkewedLayer(
                        expertCount: count,
                        rowCount: sequences * length,
                        seed: UInt64(count)
                    )
                    let measured = try benchmark.measure(rows)
                    figures += measured.map { figure in
                        ShardFigure(figure, measured[0], type, count, sequences)
                    }
                }
            }
        }
        if output.json {
            try Console.writeJSON(figures)
        } else {
            Console.write(Self.table(figures).text)
        }
    }

    private func chosenTypes() throws -> [ElementType] {
        let known = ProductBenchmark.types.filter { $0.blockLength <= 32 }
        return try types.split(separator: ",").map { text in
            guard let type = known.first(where: { $0.name.lowercased() == text.lowercased() })
            else {
                let names = known.map(\.name).joined(separator: ", ")
                throw ValidationError("'\(text)' in --types is not one of \(names)")
            }
            return type
        }
    }

    private func numbers(
        _ list: String,
        _ option: String,
        _ range: ClosedRange<Int>
    ) throws -> [Int] {
        try list.split(separator: ",").map { text in
            guard let number = Int(text), range.contains(number) else {
                throw ValidationError(
                    "'\(text)' in \(option) is not \(range.lowerBound) to \(range.upperBound)"
                )
            }
            return number
        }
    }

    private static func table(_ figures: [ShardFigure]) -> Table {
        var table = Table([
            ("type", .left), ("experts", .right), ("sequences", .right), ("mode", .left),
            ("rows max/mean", .right), ("ms", .right), ("ms of CPU", .right),
            ("times faster", .right), ("limit", .right), ("ms with links", .right),
            ("times faster", .right),
        ])
        for figure in figures {
            table.add([
                figure.type, "\(figure.experts)", "\(figure.sequences)", figure.mode,
                Format.fixed(figure.imbalance, digits: 2), Format.fixed(figure.milliseconds),
                Format.fixed(figure.totalMilliseconds), Format.fixed(figure.speedup, digits: 2),
                Format.fixed(figure.limit, digits: 2), Format.fixed(figure.linkedMilliseconds),
                Format.fixed(figure.linkedSpeedup, digits: 2),
            ])
        }
        return table
    }
}

/// One line of `shards --json`.
private struct ShardFigure: Encodable {
    let type: String
    let experts: Int
    let sequences: Int
    let mode: String
    let imbalance: Double
    /// Of the busiest worker: the layer's time without links, replayed.
    let milliseconds: Double
    let totalMilliseconds: Double
    /// Against whole experts, consecutive ones on each worker.
    let speedup: Double
    /// What perfect balance could reach against them.
    let limit: Double
    /// Of the busiest worker with its link.
    let linkedMilliseconds: Double
    let linkedSpeedup: Double

    enum CodingKeys: String, CodingKey {
        case type, experts, sequences, mode, speedup, limit
        case imbalance = "rows_max_over_mean"
        case milliseconds = "replayed_ms"
        case totalMilliseconds = "cpu_ms"
        case linkedMilliseconds = "replayed_with_links_ms"
        case linkedSpeedup = "speedup_with_links"
    }

    init(
        _ figure: ShardBenchmark.Figure,
        _ contiguous: ShardBenchmark.Figure,
        _ type: ElementType,
        _ experts: Int,
        _ sequences: Int
    ) {
        self.type = type.name
        self.experts = experts
        self.sequences = sequences
        mode = figure.mode
        imbalance = figure.imbalance.rounded3
        milliseconds = (figure.longest.median * 1000).rounded3
        totalMilliseconds = (figure.total.median * 1000).rounded3
        speedup = contiguous.longest.ratios(to: figure.longest).median.rounded3
        limit = contiguous.imbalance.rounded3
        linkedMilliseconds = (figure.linked.median * 1000).rounded3
        linkedSpeedup = contiguous.linked.ratios(to: figure.linked).median.rounded3
    }
}
