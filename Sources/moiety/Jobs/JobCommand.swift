import ArgumentParser
import Foundation
import Messaging
import Terminal
import Wire

struct JobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job",
        abstract: "What is known of a job, and its answer.",
        discussion: "Jobs that ended are kept as long as coordinator.ledger-age says."
    )

    @Argument(help: "The job's id, as 'moiety submit' and 'moiety jobs' show it.")
    var job: String

    @OptionGroup var coordinator: CoordinatorOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        try await CommandFailure.report {
            let client = try coordinator.connect()
            let found = try client.find(job)
            guard let report = found.job else { throw CommandFailure.noJob(found) }
            guard !json else { return try FoundJobLine(report, found).write(found) }
            var table = Table([("", .left), ("", .left)])
            table.add(["job", report.id])
            table.add(["state", "\(report.state)"])
            if let task = report.task { table.add(["task", task]) }
            table.add(["prompt", Format.count(report.promptTokenCount, "token")])
            table.add(["made", Format.count(report.generatedTokenCount, "token")])
            let time = Date(timeIntervalSince1970: TimeInterval(report.submittedAt))
            table.add(["submitted", ISO8601DateFormatter().string(from: time)])
            if !report.message.isEmpty { table.add(["message", report.message]) }
            if let uses = found.ended?.expertUses { Deviation(uses, nil).add(to: &table) }
            Console.write(table.text)
            if !found.text.isEmpty { Console.write("\n" + found.text + "\n") }
        }
    }
}

struct WaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Wait until jobs have ended.",
        discussion: "Exits with 1 where one of them failed or was cancelled."
    )

    @Argument(help: "The jobs' ids.")
    var jobs: [String]

    @OptionGroup var coordinator: CoordinatorOptions

    @Option(help: "How long a coordinator may be away, in seconds.")
    var patience = 600

    @Flag(help: "Print a JSON object for each job.")
    var json = false

    func validate() throws {
        guard !jobs.isEmpty else { throw ValidationError("name a job to wait for") }
        guard (0...86_400).contains(patience) else {
            throw ValidationError("--patience is \(patience); it must be 0 to 86400 seconds")
        }
    }

    func run() async throws {
        try await CommandFailure.report {
            let line = try CoordinatorLine(
                coordinator,
                waker: Waker(),
                patience: .seconds(patience)
            )
            var failed = 0
            for job in jobs {
                let found = try Self.end(of: job, on: line)
                guard let report = found.job else { throw CommandFailure.noJob(found) }
                if report.state != .completed { failed += 1 }
                if json {
                    try FoundJobLine(report, found).write(found)
                } else {
                    let reason = report.message.isEmpty ? "" : ": \(report.message)"
                    Console.write("\(report.id) \(report.state)\(reason)\n")
                }
            }
            guard failed == 0 else { throw ExitCode(1) }
        }
    }

    /// Follows the job until it has ended, then asks what became of it.
    private static func end(of job: String, on line: CoordinatorLine) throws -> JobFound {
        func ask(_ client: ClusterClient) throws {
            try client.send(.findJob(FindJob(job: job, follows: true)))
        }
        try ask(line.client)
        return try line.keep(mend: ask) { client in
            while let message = try client.receive() {
                switch message {
                case .jobFound(let found) where found.name == job:
                    guard let report = found.job, !report.state.isOver else { return found }
                    Console.progress("\(job): \(report.generatedTokenCount) tokens so far")
                case .ended(let ended) where ended.job == job: try ask(client)
                default: continue
                }
            }
            throw CommandFailure("interrupted", code: 130)
        }
    }
}

extension ClusterClient {
    func find(_ job: String) throws -> JobFound {
        let reply = try ask(.findJob(FindJob(job: job)))
        guard case .jobFound(let found) = reply else { throw unexpected(reply) }
        return found
    }
}

extension CommandFailure {
    static func noJob(_ found: JobFound) -> CommandFailure {
        let reason = found.trouble.isEmpty ? "no such job" : found.trouble
        return CommandFailure("\(found.name): \(reason)")
    }
}

extension JobState {
    var isOver: Bool {
        switch self {
        case .queued, .running: false
        case .completed, .cancelled, .failed: true
        }
    }
}

/// A job with its answer as `--json` shows it.
struct FoundJobLine: Encodable {
    let id: String
    let state: String
    let task: String?
    let promptTokens: Int
    /// How many; their ids are in `token_ids`.
    let tokens: Int
    let tokenIDs: [Int32]
    let submittedAt: UInt64
    let message: String
    let text: String

    enum CodingKeys: String, CodingKey {
        case id, state, task, tokens, message, text
        case promptTokens = "prompt_tokens"
        case tokenIDs = "token_ids"
        case submittedAt = "submitted_at"
    }

    init(_ job: JobReport, _ found: JobFound) {
        id = job.id
        state = "\(job.state)"
        task = job.task
        promptTokens = job.promptTokenCount
        tokens = job.generatedTokenCount
        tokenIDs = found.ended?.tokens ?? []
        submittedAt = job.submittedAt
        message = job.message
        text = found.text
    }

    /// With how inexact it was; nothing of that until its end, and where workers are exact.
    func write(_ found: JobFound) throws {
        try Console.writeJSON(Joined(self, found.ended?.expertUses.map(Inexactness.init)))
    }
}
