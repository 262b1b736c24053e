import ArgumentParser
import Benchmarking
import Caching
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

    @OptionGroup var output: OutputOptions

    private struct Figure: Encodable {
        let load: Double
        let rate: Double
        let order: String
        let mean: Double
        let p99: Double
        let attainment: Double

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
        let simulation = QueueSimulation()
        let most = simulation.saturatingRate(requestCount: requests, seed: seed)
        let figures = [0.5, 0.6, 0.7, 0.8, 0.9, 1].flatMap { load in
            QueueSimulation.Order.allCases.map { order in
                Console.progress("\(load) of the load, \(order)")
                let rate = load * most
                let result = simulation.run(
                    order,
                    rate: rate,
                    requestCount: requests,
                    seed: seed
                )
                return Figure(
                    load: load,
                    rate: rate.rounded3,
                    order: order == .objectives ? "objectives" : "first come, first served",
                    mean: result.mean.rounded3,
                    p99: result.p99.rounded3,
                    attainment: result.attainment.rounded3
                )
            }
        }
        guard !output.json else { return try Console.writeJSON(figures) }
        var table = Table([
            ("load", .right), ("requests/s", .right), ("order", .left), ("mean", .right),
            ("p99", .right), ("objectives met", .right),
        ])
        for figure in figures {
            table.add([
                Format.fixed(figure.load), Format.fixed(figure.rate, digits: 2), figure.order,
                "\(Format.fixed(figure.mean, digits: 2)) s",
                "\(Format.fixed(figure.p99, digits: 1)) s",
                "\(Format.fixed(figure.attainment * 100)) %",
            ])
        }
        Console.write(table.text)
    }
}
