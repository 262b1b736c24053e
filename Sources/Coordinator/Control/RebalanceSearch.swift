import Cluster
import Foundation
import Messaging
import Settings

/// Searches for a better plan in a process of its own: `moiety admin rebalance --yes`, which has no
/// more rights than any client, and gets a core only when nobody else wants it.
final class RebalanceSearch {
    private let coordinator: Endpoint
    private let keys: CoordinatorKeySettings?
    private let reports: Mailbox<LoopCommand>
    private var child: Process?

    /// Bytes of an answer that are read.
    private static let answerByteCount = 64 << 20
    /// Of a reason.
    private static let reasonByteCount = 512

    /// - Parameters:
    ///   - coordinator: where clients connect.
    ///   - keys: the coordinator's own, by which its own commands come in.
    init(_ coordinator: Endpoint, keys: CoordinatorKeySettings?, reports: Mailbox<LoopCommand>) {
        self.coordinator = coordinator.reached(through: .thisMachine)
        self.keys = keys
        self.reports = reports
    }

    deinit { stop() }

    /// Begins; how it ends is reported later.
    func start() {
        do {
            child = try begin()
        } catch {
            report(.failed(reason: "moiety cannot be run: \(error.localizedDescription)"))
        }
    }

    /// Ends a search that is under way.
    func stop() {
        child?.terminate()
        child = nil
    }

    private func begin() throws -> Process {
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        let program = own.deletingLastPathComponent().appending(path: "moiety")
        let (answer, complaint) = (try Scratch(), try Scratch())
        let child = Process()
        child.executableURL = URL(filePath: "/usr/bin/nice")
        child.arguments = [
            "-n", "19", program.path, "admin", "rebalance", "--yes", "--wait", "--json",
            "--coordinator", "\(coordinator)",
        ]
        if let keys {
            child.arguments? += [
                "--key-file", keys.keyPath, "--coordinator-key", keys.keyPath + ".pub",
            ]
        }
        child.standardInput = FileHandle.nullDevice
        child.standardOutput = answer.handle
        child.standardError = complaint.handle
        let reports = reports
        child.terminationHandler = { child in
            let isDone = child.terminationReason == .exit && child.terminationStatus == 0
            let outcome =
                isDone
                ? Self.outcome(answer.read(Self.answerByteCount))
                : .failed(reason: Self.reason(complaint.read(Self.reasonByteCount)))
            _ = reports.post(.searched(outcome))
        }
        try child.run()
        return child
    }

    private func report(_ outcome: RebalanceWatch.Outcome) { _ = reports.post(.searched(outcome)) }

    private struct Answer: Decodable {
        let change: Change?
        let chosen: String?
        let current: Candidate
        let candidates: [Candidate]

        /// A step's time under the chosen plan over that under the one before.
        var stepRatio: Double? {
            let time = candidates.first { $0.name == chosen }?.stepMicroseconds
            guard let time, current.stepMicroseconds > 0 else { return nil }
            return time / current.stepMicroseconds
        }
    }

    private struct Candidate: Decodable {
        let name: String
        let stepMicroseconds: Double

        enum CodingKeys: String, CodingKey {
            case name
            case stepMicroseconds = "step_us"
        }
    }

    private struct Change: Decodable {
        let bytes: UInt64
    }

    private static func outcome(_ json: Data) -> RebalanceWatch.Outcome {
        do {
            let answer = try JSONDecoder().decode(Answer.self, from: json)
            guard let change = answer.change else { return .kept }
            return .changed(byteCount: change.bytes, stepRatio: answer.stepRatio)
        } catch {
            return .failed(reason: "moiety admin rebalance answered no JSON that is known")
        }
    }

    /// The last line that was said.
    private static func reason(_ complaint: Data) -> String {
        let lines = String(decoding: complaint, as: UTF8.self).split(separator: "\n")
        return lines.last.map(String.init) ?? "moiety admin rebalance ended without a word"
    }
}

/// A file without a name, gone with its handle: a pipe could fill up, for nobody reads meanwhile.
private struct Scratch: Sendable {
    let handle: FileHandle

    init() throws {
        let file = FileManager.default.temporaryDirectory
            .appending(path: "moiety-search-\(UUID().uuidString)")
        try Data().write(to: file, options: .withoutOverwriting)
        handle = try FileHandle(forUpdating: file)
        try FileManager.default.removeItem(at: file)
    }

    /// What was written, as far as the limit; nothing where it cannot be read.
    func read(_ limit: Int) -> Data {
        do {
            try handle.seek(toOffset: 0)
            return try handle.read(upToCount: limit) ?? Data()
        } catch {
            return Data()
        }
    }
}
