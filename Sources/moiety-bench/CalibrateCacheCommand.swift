import ArgumentParser
import Benchmarking
import Caching
import Foundation
import Placement
import Terminal

struct CalibrateCacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate-cache",
        abstract: "Compares cache policies on recorded traces, with the optimum as the yardstick.",
        discussion: """
            Weights are searched on the first half of each trace, figures are of the second half, \
            where caches begin empty. "closes" is which part of the distance between LRU and \
            Belady's optimum a policy leaves behind. docs/TIERS.md says what the policies are.
            """
    )

    @OptionGroup var traces: TraceOptions

    @Option(help: "How many experts fit, in percent of all.")
    var budgets = "10,25,50,75"

    @Option(help: "Rows of a step: 1 as one sequence decodes, more as batches and prompts do.")
    var rows = 1

    @Option(help: "After how many rows another sequence begins.")
    var sequence = 256

    @Option(help: "So many of a row's experts, the lightest, are wanted in the low tier.")
    var lowRanks = 0

    @Option(help: "What loading the low tier takes, as a part of the high one.")
    var lowCost = 0.25

    @Option(help: "Which part of the memory the low tier has; 0.05 where some are wanted in it.")
    var lowShare: Double?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        _ = try chosenBudgets()
        try requireRange("--rows", rows, 1...65_536)
        try requireRange("--sequence", sequence, 1...1 << 30)
        try requireRange("--low-ranks", lowRanks, 0...256)
        guard (0.01...1).contains(lowCost) else {
            throw ValidationError("--low-cost is \(lowCost); it must be 0.01 to 1")
        }
        guard (0...0.9).contains(lowShare ?? 0) else {
            throw ValidationError("--low-share is \(lowShare ?? 0); it must be 0 to 0.9")
        }
        guard lowRanks == 0 || lowShare != 0 else {
            throw ValidationError("--low-ranks needs memory: a --low-share above 0")
        }
    }

    private func chosenBudgets() throws -> [Int] {
        let budgets = budgets.split(separator: ",").map { Int($0) }
        guard !budgets.isEmpty, budgets.allSatisfy({ $0.map((1...100).contains) ?? false }) else {
            throw ValidationError(
                "--budgets is \(self.budgets); it must be percents from 1 to 100, with commas"
            )
        }
        return budgets.compactMap(\.self)
    }

    func run() throws {
        let cases = try traces.read().map { name, trace in
            guard lowRanks < trace.topK else {
                throw ValidationError(
                    "--low-ranks is \(lowRanks); a row of \(name) has \(trace.topK) experts"
                )
            }
            return CacheCalibration.Case(
                name: name,
                trace: trace,
                rowsPerStep: rows,
                sequenceRows: sequence,
                lowRanks: lowRanks
            )
        }
        let report = CacheCalibration(
            cases: cases,
            budgets: try chosenBudgets(),
            lowCost: lowCost,
            lowShare: lowRanks > 0 ? lowShare ?? 0.05 : 0
        ).run { Console.progress($0) }
        let figures = CacheFigures(report)
        guard !output.json else { return try Console.writeJSON(figures) }
        Console.write(figures.text)
    }
}

/// Recorded traces of one model.
struct TraceOptions: ParsableArguments {
    @Option(
        parsing: .upToNextOption,
        help: "Traces that `moiety admin profile dump --trace` wrote, of one model."
    )
    var trace: [String]

    /// Half as many again as the largest models have; tables grow with the square of a layer.
    private static let mostExperts = 32_768

    /// - Throws: where one cannot be read, is too short, or is another model's.
    func read() throws -> [(name: String, trace: RoutingTrace)] {
        let traces = try trace.map { path in
            let url = URL(filePath: path)
            return (
                name: url.deletingPathExtension().lastPathComponent,
                trace: try RoutingTrace(bytes: InputBytes.of(path))
            )
        }
        for (name, trace) in traces {
            guard trace.expertCounts == traces[0].trace.expertCounts,
                trace.topK == traces[0].trace.topK
            else {
                throw ValidationError("\(name) is of another model than \(traces[0].name)")
            }
            let experts = trace.expertCounts.reduce(0, +)
            guard experts <= Self.mostExperts else {
                throw ValidationError(
                    "\(name) has \(experts) experts; at most \(Self.mostExperts) are compared"
                )
            }
            guard trace.rowCount >= 2, !trace.expertLayers.isEmpty else {
                throw ValidationError("\(name) has too few rows to be cut in halves")
            }
        }
        return traces
    }
}
