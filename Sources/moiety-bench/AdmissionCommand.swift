import ArgumentParser
import Benchmarking
import Foundation
import Terminal

struct AdmissionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admission",
        abstract: "Simulates who is let in when: by objectives, or first come, first served.",
        discussion: """
            Requests of five tasks come at random (Poisson) at parts of the rate that saturates \
            first come, first served. Nothing is computed. docs/TIERS.md says what is simulated.
            """
    )

    @Option(help: "Requests of each run.")
    var requests = 4000

    @Option(help: "Seed of lengths and arrivals.")
    var seed: UInt64 = 1

    @Option(
        name: .customLong("output"),
        help: """
            Directory to write admission.md to, with the same at stricter and laxer objectives, \
            and curves of who met them.
            """
    )
    var directory: String?

    @OptionGroup var output: OutputOptions

    private struct Line: Encodable {
        let load: Double
        let rate: Double
        let order: String
        let mean: Double
        let p99: Double
        let attainment: Double

        init(_ figure: AdmissionBenchmark.Figure) {
            load = figure.load
            rate = figure.rate.rounded3
            order = figure.order.name
            mean = figure.mean.rounded3
            p99 = figure.p99.rounded3
            attainment = figure.attainment.rounded3
        }

        enum CodingKeys: String, CodingKey {
            case load, order, attainment
            case rate = "requests_per_second"
            case mean = "mean_seconds"
            case p99 = "p99_seconds"
        }
    }

    func validate() throws {
        try requireRange("--requests", requests, 1...1_000_000)
    }

    func run() throws {
        let benchmark = AdmissionBenchmark(requestCount: requests, seed: seed)
        let figures = benchmark.byLoad { Console.progress($0) }
        if let directory {
            let scaled = benchmark.byScale { Console.progress($0) }
            try write(figures, scaled, to: URL(filePath: directory))
        }
        guard !output.json else { return try Console.writeJSON(figures.map(Line.init)) }
        var table = Table([
            ("load", .right), ("requests/s", .right), ("order", .left), ("mean", .right),
            ("p99", .right), ("objectives met", .right),
        ])
        for figure in figures {
            table.add([Format.fixed(figure.load)] + cells(of: figure))
        }
        Console.write(table.text)
    }

    private func cells(of figure: AdmissionBenchmark.Figure) -> [String] {
        [
            Format.fixed(figure.rate, digits: 2), figure.order.name,
            "\(Format.fixed(figure.mean, digits: 2)) s",
            "\(Format.fixed(figure.p99)) s",
            "\(Format.fixed(figure.attainment * 100)) %",
        ]
    }

    // MARK: Tables and curves

    private func write(
        _ byLoad: [AdmissionBenchmark.Figure],
        _ byScale: [AdmissionBenchmark.Figure],
        to directory: URL
    ) throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let load = AdmissionBenchmark.scaledLoad
        let tables = """
            # Who is let in

            \(requests) requests of each run, seed \(seed).

            \(markdown(byLoad, first: "load") { Format.fixed($0.load) })
            Objectives scaled, at a load of \(Format.fixed(load)):

            \(markdown(byScale, first: "scale") { Format.fixed($0.scale, digits: 2) })
            """
        let curves = [
            "attainment-load": SharePlot(
                attainment: "Requests that met their objectives",
                byLoad,
                against: \.load,
                axis: "load: the rate, of what first come, first served keeps up with"
            ),
            "attainment-scale": SharePlot(
                attainment: "Requests that met their objectives at a load of \(load)",
                byScale,
                against: \.scale,
                axis: "objectives, multiplied by"
            ),
        ]
        try write(tables, to: directory.appending(path: "admission.md"))
        for (name, curve) in curves {
            try write(curve.svg, to: directory.appending(path: name + ".svg"))
        }
    }

    private func markdown(
        _ figures: [AdmissionBenchmark.Figure],
        first title: String,
        _ first: (AdmissionBenchmark.Figure) -> String
    ) -> String {
        let header = """
            | \(title) | requests/s | order | mean | p99 | objectives met |
            |---|---|---|---|---|---|

            """
        return header
            + figures.map { figure in
                "| " + ([first(figure)] + cells(of: figure)).joined(separator: " | ") + " |\n"
            }.joined()
    }

    private func write(_ text: String, to file: URL) throws {
        try Data(text.utf8).write(to: file, options: .atomic)
    }
}
