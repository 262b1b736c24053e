import ArgumentParser
import Foundation
import Terminal
import Wire

struct PlanHistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "What became of plans so far, the oldest first."
    )

    @OptionGroup var coordinator: CoordinatorOptions

    @Flag(help: "Print one JSON object per line.")
    var json = false

    func run() async throws {
        try await CommandFailure.report {
            let client = try coordinator.connect()
            guard !json else { return Console.write(try client.planHistoryLines()) }
            var table = Table([
                ("time", .left), ("epoch", .right), ("reason", .left), ("moves", .right),
                ("bytes", .right), ("seconds", .right), ("outcome", .left),
            ])
            for entry in try client.planHistory() {
                table.add([
                    entry.time, "\(entry.epoch)", entry.reason, "\(entry.moves)",
                    Format.bytes(entry.bytes), Format.fixed(entry.seconds, digits: 3),
                    entry.outcome,
                ])
            }
            Console.write(table.text)
        }
    }
}

/// One change of plans.
struct HistoryEntry: Decodable {
    let time: String
    let epoch: UInt64
    let reason: String
    let moves: Int
    let bytes: Int
    let seconds: Double
    let outcome: String

    /// The outcome of a change that came to its end.
    static let done = "done"

    /// Whether both tell of one change, sooner and later.
    func isSameChange(as other: HistoryEntry) -> Bool {
        (time, reason, moves, bytes) == (other.time, other.reason, other.moves, other.bytes)
    }
}

extension ClusterClient {
    func planInForce() throws -> PlanInForce {
        let reply = try ask(.getPlan)
        guard case .planInForce(let plan) = reply else { throw unexpected(reply) }
        return plan
    }

    func planHistoryLines() throws -> String {
        let reply = try ask(.getPlanHistory)
        guard case .planHistory(let history) = reply else { throw unexpected(reply) }
        return history.jsonLines
    }

    func planHistory() throws -> [HistoryEntry] {
        let decoder = JSONDecoder()
        return try planHistoryLines().split(separator: "\n").map {
            try decoder.decode(HistoryEntry.self, from: Data($0.utf8))
        }
    }
}
