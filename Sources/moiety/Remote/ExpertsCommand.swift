import ArgumentParser
import Placement
import Terminal
import Wire

struct ExpertsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "experts",
        abstract: "Where experts are, and how often they are chosen.",
        discussion: "Without --layer, a line for each layer; shares are of the rows counted lately."
    )

    @OptionGroup var coordinator: CoordinatorOptions

    @Option(help: "Show each expert of this layer, counted from 0.")
    var layer: Int?

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        try await CommandFailure.report {
            let client = try coordinator.connect()
            let plan = try client.currentPlan()
            if let layer, !plan.layers.indices.contains(layer) {
                throw CommandFailure(
                    "there is no layer \(layer); the model has 0 to \(plan.layers.count - 1)",
                    code: CommandFailure.wrongArguments
                )
            }
            let overview = try client.profileOverview()
            let profile = overview.obstacle.isEmpty ? try client.profile(of: nil, overview) : nil
            let layers =
                layer.map { [$0] } ?? plan.layers.indices.filter { !plan.layers[$0].isEmpty }
            let report = ExpertsReport(plan, profile, layers: layers)
            guard !json else { return try Console.writeJSON(report) }
            Console.write(layer == nil ? report.overview : report.details)
        }
    }
}

/// What `moiety experts` prints; the names are promised to users of `--json`.
struct ExpertsReport: Encodable {
    struct Layer: Encodable {
        let layer: Int
        let experts: [Expert]
    }

    struct Expert: Encodable {
        let expert: Int
        /// Who has it whole.
        let workers: [String]
        /// Who has a slice of it; none where it is whole.
        let shards: [Slice]
        /// Of the rows of its layer; nil where none was counted.
        let share: Double?
    }

    struct Slice: Encodable {
        let worker: String
        let from: Int
        let to: Int
    }

    let epoch: UInt64
    let layers: [Layer]
    private let workers: [String]

    enum CodingKeys: CodingKey {
        case epoch, layers
    }

    init(_ plan: Plan, _ profile: Profile?, layers: [Int]) {
        epoch = plan.epoch.rawValue
        let names = plan.workers.map(\.rawValue)
        workers = names
        self.layers = layers.map { layer in
            let counts = profile?.layers[layer].activations ?? []
            let rows = counts.reduce(0, +) / Double(max(1, profile?.topK ?? 1))
            return Layer(
                layer: layer,
                experts: plan.layers[layer].enumerated().map { index, entry in
                    Expert(
                        expert: index,
                        workers: entry.shards.isEmpty ? entry.workers.map { names[$0] } : [],
                        shards: entry.shards.map {
                            Slice(worker: names[$0.worker], from: $0.from, to: $0.to)
                        },
                        share: rows > 0 && index < counts.count ? counts[index] / rows : nil
                    )
                }
            )
        }
    }

    /// A line for each expert.
    var details: String {
        var table = Table([
            ("layer", .right), ("expert", .right), ("chosen by", .right), ("held by", .left),
        ])
        for layer in layers {
            for expert in layer.experts {
                table.add([
                    "\(layer.layer)", "\(expert.expert)", Self.percent(expert.share),
                    expert.holders,
                ])
            }
        }
        return table.text
    }

    /// A line for each layer: what each worker has of it, and of its rows where experts are whole.
    var overview: String {
        var table = Table(
            [("layer", .right), ("hottest", .left), ("copies", .right), ("shards", .right)]
                + workers.map { ($0, .right) }
        )
        for layer in layers {
            let hottest = layer.experts.max { ($0.share ?? 0) < ($1.share ?? 0) }
            let text = hottest.flatMap { expert in
                expert.share.map { _ in "expert \(expert.expert): \(Self.percent(expert.share))" }
            }
            let copies = layer.experts.reduce(0) { $0 + max(0, $1.workers.count - 1) }
            let shards = layer.experts.reduce(0) { $0 + $1.shards.count }
            table.add(
                ["\(layer.layer)", text ?? "-", "\(copies)", "\(shards)"]
                    + workers.map { layer.part(of: $0) }
            )
        }
        return table.text
    }

    private static func percent(_ share: Double?) -> String {
        share.map { Format.fixed(100 * $0) + " %" } ?? "-"
    }
}

extension ExpertsReport.Expert {
    fileprivate var holders: String {
        guard !shards.isEmpty else { return workers.joined(separator: ", ") }
        return shards.map { "\($0.worker) [\($0.from)..<\($0.to)]" }.joined(separator: ", ")
    }
}

extension ExpertsReport.Layer {
    /// Experts, and their part of all choices, copies counting as much as each other.
    fileprivate func part(of worker: String) -> String {
        let held = experts.filter { expert in
            expert.workers.contains(worker) || expert.shards.contains { $0.worker == worker }
        }
        let all = experts.reduce(0) { $0 + ($1.share ?? 0) }
        guard all > 0, held.allSatisfy(\.shards.isEmpty) else { return "\(held.count)" }
        let part = held.reduce(0) { $0 + ($1.share ?? 0) / Double($1.workers.count) } / all
        return "\(held.count) (\(Format.fixed(100 * part, digits: 0)) %)"
    }
}
