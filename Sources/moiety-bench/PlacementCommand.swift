import ArgumentParser
import Benchmarking
import Foundation
import Placement
import Terminal

struct PlacementCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "placement",
        abstract: "Compares plans on steps that they were not made from; `make bench-placement`.",
        discussion: """
            Plans recorded and synthetic traces by every solver, replays the plans through the \
            cost model, and writes tables and box plots into a directory. Figures are replayed, \
            not measured on a clock. docs/PLACEMENT.md says what the columns mean.
            """
    )

    @Option(help: "Traces to compare on besides the synthetic ones.")
    var trace: [String] = []

    @Option(help: "Only cases whose names have this in them.")
    var only: String?

    @Option(help: "Directory to write placement.md and box plots to.")
    var output: String

    @Option(help: "Seconds that one plan may be searched for, roughly.")
    var seconds = 5.0

    func validate() throws {
        guard (0...3600).contains(seconds) else {
            throw ValidationError("--seconds is \(seconds); it must be 0 to 3600")
        }
    }

    func run() throws {
        let directory = URL(filePath: output)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let cases = try (recordedCases() + PlacementCase.synthetic()).filter { testCase in
            only.map { testCase.name.contains($0) } ?? true
        }
        guard !cases.isEmpty else {
            throw ValidationError("no case has '\(only ?? "")' in its name")
        }
        var tables = "# Plans compared\n\n"
        for (index, testCase) in cases.enumerated() {
            Console.progress("\(index + 1) of \(cases.count): \(testCase.name)")
            let effort = SolverEffort(seconds: seconds)
            let comparison = try PlacementBenchmark(testCase, effort: effort).run()
            tables += PlacementTable(comparison).markdown
            let file =
                testCase.name.filter { $0 != "," }.split(separator: " ")
                .joined(separator: "-") + ".svg"
            try write(BoxPlot(comparison).svg, to: directory.appending(path: file))
        }
        try write(tables, to: directory.appending(path: "placement.md"))
        Console.write(tables)
    }

    private func recordedCases() throws -> [PlacementCase] {
        try trace.flatMap { path in
            let url = URL(filePath: path)
            let trace = try RoutingTrace(bytes: InputBytes.of(path))
            return PlacementCase.recorded(
                url.deletingPathExtension().lastPathComponent,
                trace
            )
        }
    }

    private func write(_ text: String, to file: URL) throws {
        try Data(text.utf8).write(to: file, options: .atomic)
    }
}
