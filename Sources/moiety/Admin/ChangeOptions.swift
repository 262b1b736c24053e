import ArgumentParser
import Foundation
import Placement
import Terminal
import Wire

/// What all commands that change the plan share.
struct ChangeOptions: ParsableArguments {
    @Flag(help: "Return when the plan has changed.")
    var wait = false

    @Flag(help: "Print one JSON object.")
    var json = false

    @Option(help: "How much each worker may read per second for it, such as 50MB/s.")
    var bandwidth: Bandwidth?

    /// What began, and with `--wait` how it ended.
    struct Report: Encodable {
        let message: String
        let stages: Int
        let moves: UInt64
        let bytes: UInt64
        var epoch: UInt64?
        var seconds: Double?
        var outcome: String?

        /// - Throws: what became of a change that was waited for, unless it was done.
        func requireDone() throws {
            guard let outcome, outcome != HistoryEntry.done else { return }
            throw CommandFailure("the plan was not changed to the end: \(outcome)")
        }
    }

    /// Asks for a change, and says what becomes of it.
    ///
    /// - Throws: what keeps the plan from changing.
    func carryOut(_ wish: ClientMessage, at client: ClusterClient) async throws {
        let report = try await perform(wish, at: client)
        if json { try Console.writeJSON(report) }
        try report.requireDone()
    }

    /// Asks for a change, and with `--wait` waits for its end.
    ///
    /// - Throws: why it has not begun.
    func perform(_ wish: ClientMessage, at client: ClusterClient) async throws -> Report {
        let reply = try client.ask(wish)
        guard case .changeReply(let begun) = reply else { throw client.unexpected(reply) }
        guard begun.isBegun else { throw CommandFailure(begun.message) }
        var report = Report(
            message: begun.message,
            stages: begun.stageCount,
            moves: begun.moveCount,
            bytes: begun.byteCount
        )
        if !json {
            let size = begun.byteCount > 0 ? ", \(Format.bytes(begun.byteCount))" : ""
            Console.note(begun.message + size)
        }
        if wait, begun.stageCount > 0 {
            let end = try await waitForEnd(client)
            report.epoch = end.epoch
            report.seconds = end.seconds
            report.outcome = end.outcome
        }
        return report
    }

    /// Looks now and then how far the change is; the history has what became of it.
    private func waitForEnd(_ client: ClusterClient) async throws -> HistoryEntry {
        // The coordinator wrote it down before it answered.
        guard let begun = try client.planHistory().last else {
            throw CommandFailure("the coordinator's history has no change of plans")
        }
        var stage = 0
        while true {
            let plan = try client.planInForce()
            guard plan.stageCount > 0 else { break }
            if plan.stage != stage, !json {
                Console.note("stage \(plan.stage) of \(plan.stageCount)")
            }
            stage = plan.stage
            try await Task.sleep(for: .milliseconds(100))
        }
        // Others may have come after it: those of workers that were lost, or are back.
        return try client.planHistory().last { $0.isSameChange(as: begun) } ?? begun
    }
}
