import ArgumentParser
import Foundation
import Placement
import Terminal
import Wire

struct ProfileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "What the routers choose: counts, always, and traces of all steps on demand.",
        discussion: """
            The coordinator counts all the time which experts are chosen, for each task that \
            'moiety submit --task' names; older rows weigh less. 'dump' writes these counts to a \
            file, for 'moiety solve'. Between 'start' and 'stop' it also keeps what every single \
            step chose, which 'dump --trace' writes.
            """,
        subcommands: [
            ShowProfileCommand.self, StartTraceCommand.self, StopTraceCommand.self,
            DumpProfileCommand.self,
        ],
        defaultSubcommand: ShowProfileCommand.self
    )
}

struct ShowProfileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "How much was counted, and whether a trace is recorded."
    )

    @OptionGroup var coordinator: CoordinatorOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        try await CommandFailure.report {
            try ProfileSummary.show(.look, at: coordinator, json: json)
        }
    }
}

struct StartTraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Record what every step chooses; an earlier trace is forgotten.",
        discussion: """
            The trace lies in the coordinator's memory and ends by itself where it has \
            coordinator.trace-megabytes.
            """
    )

    @OptionGroup var coordinator: CoordinatorOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        try await CommandFailure.report {
            try ProfileSummary.show(.startTrace, at: coordinator, json: json)
        }
    }
}

struct StopTraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "End the trace; it is kept for 'dump --trace' until the next one starts."
    )

    @OptionGroup var coordinator: CoordinatorOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        try await CommandFailure.report {
            try ProfileSummary.show(.stopTrace, at: coordinator, json: json)
        }
    }
}

struct DumpProfileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump",
        abstract: "Write the counts to a file, and the trace to another.",
        discussion: "docs/PLACEMENT.md describes both forms."
    )

    @OptionGroup var coordinator: CoordinatorOptions

    @Argument(help: "Where the counts go, as JSON.")
    var file: String

    @Option(help: "Count the rows of this task only.")
    var task: String?

    @Option(
        help: ArgumentHelp(
            "Where the trace goes that was recorded last.",
            valueName: "file"
        )
    )
    var trace: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Outcome: Encodable {
        let rows: Double
        let task: String?
        let profileBytes: Int
        let traceBytes: Int?
        let traceSteps: Int?

        enum CodingKeys: String, CodingKey {
            case rows, task
            case profileBytes = "profile_bytes"
            case traceBytes = "trace_bytes"
            case traceSteps = "trace_steps"
        }
    }

    func run() async throws {
        try await CommandFailure.report {
            let client = try coordinator.connect()
            let overview = try client.profileOverview()
            if trace != nil, overview.trace.stepCount == 0 {
                throw CommandFailure(
                    "no step was recorded; 'moiety admin profile start' begins a trace"
                )
            }
            let profile = try client.profile(of: task, overview)
            let bytes = profile.json()
            let steps = try trace.map { _ in try client.trace(overview) }
            let stepBytes = steps?.bytes()
            try write(bytes, to: file)
            if let trace, let stepBytes { try write(stepBytes, to: trace) }
            guard !json else {
                let outcome = Outcome(
                    rows: profile.rows,
                    task: task,
                    profileBytes: bytes.count,
                    traceBytes: stepBytes?.count,
                    traceSteps: steps?.stepCount
                )
                return try Console.writeJSON(outcome)
            }
            let rows = Format.fixed(profile.rows, digits: 0)
            Console.note("\(file): the counts of \(rows) rows, older ones weighing less")
            if let trace, let steps {
                Console.note("\(trace): \(steps.stepCount) steps of \(steps.rowCount) rows")
            }
        }
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        do {
            try Data(bytes).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw CommandFailure("\(path) cannot be written: \(error.localizedDescription)")
        }
    }
}
