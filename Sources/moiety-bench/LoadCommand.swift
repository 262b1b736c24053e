import ArgumentParser
import Benchmarking
import GGUF
import Kernels
import Model
import Terminal

struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "How long a model takes to load, and how much memory then.",
        discussion: """
            One process: from starting `moiety run` to its first token. A cluster: from starting \
            the coordinator until it can serve. Beside them the time of reading the file alone.
            """
    )

    @Option(name: [.short, .long], help: "The model: a GGUF file, or its first part.")
    var model: String

    @Option(name: .short, help: "The prompt of the first token.")
    var prompt = "a"

    @Flag(help: "Drop the file from the system's cache first, each time.")
    var cold = false

    @Flag(help: "Measure one process only.")
    var withoutCluster = false

    @OptionGroup var threads: ThreadOptions
    @OptionGroup var layout: LayoutOptions
    @OptionGroup var repetition: RepetitionOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let file = try ModelFile(path: model)
        let directory = try ProgramProcess.siblingDirectory()
        let layout = try layout.layout()
        let threadCount = try threads.compute().count
        var reading: [Double] = []
        var processes: [LoadBenchmark.Figure] = []
        var clusters: [LoadBenchmark.Figure] = []
        for round in 1...repetition.repetitions {
            Console.progress("round \(round) of \(repetition.repetitions)")
            prepare(file)
            reading.append(try readingSeconds(file, threadCount))
            prepare(file)
            processes.append(
                try LoadBenchmark.process(
                    model: model,
                    threadCount: threadCount,
                    prompt: prompt,
                    directory: directory
                )
            )
            guard !withoutCluster else { continue }
            prepare(file)
            clusters.append(
                try LoadBenchmark.cluster(model: model, layout: layout, directory: directory)
            )
        }
        let figures = LoadFigures(
            model: file,
            cold: cold,
            reading: Sample(reading),
            processes: processes,
            clusters: clusters
        )
        guard !output.json else { return try Console.writeJSON(figures) }
        Console.endProgress()
        Console.write(figures.table.text)
    }

    private func prepare(_ file: ModelFile) {
        guard cold else { return }
        for part in file.file.parts { FileReading.forget(part.path) }
    }

    private func readingSeconds(_ file: ModelFile, _ threadCount: Int) throws -> Double {
        try file.file.parts.reduce(0) { sum, part in
            try sum + FileReading.seconds(part.path, threadCount: threadCount)
        }
    }
}

/// What `load` found, and what its `--json` prints.
private struct LoadFigures: Encodable {
    struct Group: Encodable {
        let seconds: Double
        let minimum: Double
        let maximum: Double
        /// Of the last round, by process.
        let residentBytes: [String: Int]

        enum CodingKeys: String, CodingKey {
            case seconds = "ready_s"
            case minimum = "ready_s_min"
            case maximum = "ready_s_max"
            case residentBytes = "resident_bytes"
        }

        init?(_ figures: [LoadBenchmark.Figure]) {
            guard let last = figures.last else { return nil }
            let sample = Sample(figures.map(\.seconds))
            seconds = sample.median.rounded3
            minimum = sample.minimum.rounded3
            maximum = sample.maximum.rounded3
            residentBytes = Dictionary(
                last.residentByteCounts.map { ($0.name, $0.count) },
                uniquingKeysWith: +
            )
        }

        var text: String {
            let range = "\(Format.fixed(minimum, digits: 2)) to \(Format.fixed(maximum, digits: 2))"
            return "\(Format.fixed(seconds, digits: 2)) s (\(range))"
        }
    }

    let model: String
    let cold: Bool
    let fileBytes: Int
    let readSeconds: Double
    let process: Group?
    let cluster: Group?

    enum CodingKeys: String, CodingKey {
        case model, cold, process, cluster
        case fileBytes = "file_bytes"
        case readSeconds = "read_s"
    }

    init(
        model: ModelFile,
        cold: Bool,
        reading: Sample,
        processes: [LoadBenchmark.Figure],
        clusters: [LoadBenchmark.Figure]
    ) {
        self.model = model.description.name
        self.cold = cold
        fileBytes = model.file.byteCount
        readSeconds = reading.median.rounded3
        process = Group(processes)
        cluster = Group(clusters)
    }

    var table: Table {
        var table = Table([("", .left), ("", .left)])
        table.add(["model", "\(model), \(Format.bytes(fileBytes))"])
        let cache = cold ? "from disk" : "from the system's cache"
        table.add(["reading the file", "\(Format.fixed(readSeconds, digits: 2)) s, \(cache)"])
        for (name, group) in [("one process", process), ("cluster", cluster)] {
            guard let group else { continue }
            table.add([name, group.text])
            for (process, count) in group.residentBytes.sorted(by: { $0.key < $1.key }) {
                table.add(["  memory of \(process)", Format.bytes(count)])
            }
        }
        return table
    }
}
