import ArgumentParser
import Benchmarking
import Kernels
import Model
import Terminal

struct ImportanceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "importance",
        abstract: "Records how much the columns of experts' matrices matter.",
        discussion: """
            Computes texts, and records the squares of what each column of each expert is \
            multiplied with. `--lossy` rounds experts to fewer bits by it, with --importance FILE. \
            docs/TIERS.md says what that is worth.
            """
    )

    @Option(name: [.short, .long], help: "The model: a GGUF file, or its first part.")
    var model: String

    @OptionGroup var texts: TextOptions

    @Option(name: .customLong("output"), help: "The file to write.")
    var path: String

    @OptionGroup var threads: ThreadOptions
    @OptionGroup var output: OutputOptions

    private struct Figures: Encodable {
        let tokens: Int
        let experts: Int
        let unseen: Int
    }

    func run() throws {
        let file = try ModelFile(path: model)
        let kernels = try threads.kernels()
        let windows = try texts.read(file).flatMap(\.windows)
        var benchmark = try ImportanceBenchmark(
            file,
            kernels: kernels,
            windowLength: texts.ctxSize,
            progress: showLoading
        )
        kernels.pool.bindCaller()
        for (index, window) in windows.enumerated() {
            Console.progress("window \(index + 1) of \(windows.count)")
            try benchmark.record(window)
        }
        try benchmark.write(to: path)
        let figures = Figures(
            tokens: windows.reduce(0) { $0 + $1.count },
            experts: benchmark.expertCount,
            unseen: benchmark.unseenCount
        )
        guard !output.json else { return try Console.writeJSON(figures) }
        Console.write(
            "\(path): \(figures.tokens) tokens; \(figures.unseen) of \(figures.experts) experts "
                + "were chosen by none of them"
        )
    }
}
