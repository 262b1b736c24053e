import ArgumentParser
import Foundation
import Terminal
import Wire

struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "The jobs of a cluster."
    )

    @OptionGroup var coordinator: CoordinatorOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Jobs: Encodable {
        let jobs: [JobLine]
    }

    func run() async throws {
        try await CommandFailure.report {
            let client = try coordinator.connect()
            let reply = try client.ask(.listJobs)
            guard case .jobs(let jobs) = reply else { throw client.unexpected(reply) }
            guard !json else { return try Console.writeJSON(Jobs(jobs: jobs.map(JobLine.init))) }
            var table = Table([
                ("job", .left), ("state", .left), ("task", .left), ("prompt", .right),
                ("made", .right), ("submitted", .left), ("message", .left),
            ])
            for job in jobs {
                let time = Date(timeIntervalSince1970: TimeInterval(job.submittedAt))
                table.add([
                    job.id, "\(job.state)", job.task ?? "-", "\(job.promptTokenCount)",
                    "\(job.generatedTokenCount)", ISO8601DateFormatter().string(from: time),
                    job.message,
                ])
            }
            Console.write(table.text)
        }
    }
}

struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "End a job before its time."
    )

    @Argument(help: "The job's id, as 'moiety jobs' shows it.")
    var job: String

    @OptionGroup var coordinator: CoordinatorOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Outcome: Encodable {
        let job: String
        let cancelled: Bool
        let message: String
    }

    func run() async throws {
        try await CommandFailure.report {
            let client = try coordinator.connect()
            let answer = try client.ask(.cancel(Cancel(job: job)))
            guard case .cancelReply(let reply) = answer else { throw client.unexpected(answer) }
            if json {
                let cancelled = reply.isCancelled
                try Console.writeJSON(
                    Outcome(job: reply.job, cancelled: cancelled, message: reply.message)
                )
            }
            guard reply.isCancelled else {
                throw CommandFailure("job \(job) was not cancelled: \(reply.message)")
            }
            if !json { Console.note("job \(job) is being cancelled") }
        }
    }
}

/// A job as `--json` shows it.
private struct JobLine: Encodable {
    let id: String
    let state: String
    let task: String?
    let promptTokens: Int
    let tokens: Int
    /// Seconds since 1970.
    let submittedAt: UInt64
    let message: String

    enum CodingKeys: String, CodingKey {
        case id, state, task, tokens, message
        case promptTokens = "prompt_tokens"
        case submittedAt = "submitted_at"
    }

    init(_ job: JobReport) {
        id = job.id
        state = "\(job.state)"
        task = job.task
        promptTokens = job.promptTokenCount
        tokens = job.generatedTokenCount
        submittedAt = job.submittedAt
        message = job.message
    }
}
