import Terminal
import Wire

/// What `moiety admin profile show|start|stop` print.
struct ProfileSummary: Encodable {
    struct Task: Encodable {
        let task: String
        let rows: Double
    }

    struct Trace: Encodable {
        let recording: Bool
        let full: Bool
        let steps: UInt64
        let rows: UInt64
        let bytes: UInt64
        let byteLimit: UInt64

        enum CodingKeys: String, CodingKey {
            case recording, full, steps, rows, bytes
            case byteLimit = "byte_limit"
        }
    }

    let counting: Bool
    let rows: Double
    let tasks: [Task]
    let sampledSteps: Int
    let trace: Trace
    private let obstacle: String

    enum CodingKeys: String, CodingKey {
        case counting, rows, tasks, trace
        case sampledSteps = "sampled_steps"
    }

    init(_ overview: ProfileOverview) {
        obstacle = overview.obstacle
        counting = overview.obstacle.isEmpty
        rows = overview.rowCount
        tasks = overview.tasks.map { Task(task: $0.name, rows: $0.rowCount) }
        sampledSteps = overview.sampleCount
        trace = Trace(
            recording: overview.trace.isRecording,
            full: overview.trace.isFull,
            steps: overview.trace.stepCount,
            rows: overview.trace.rowCount,
            bytes: overview.trace.byteCount,
            byteLimit: overview.trace.byteLimit
        )
    }

    /// Tells the coordinator what is wanted, and the user what came of it.
    static func show(
        _ action: GetProfile.Action,
        at coordinator: CoordinatorOptions,
        json: Bool
    ) throws {
        let overview = try coordinator.connect().profileOverview(action)
        let summary = ProfileSummary(overview)
        if action == .startTrace, !summary.trace.recording {
            throw CommandFailure("no trace is recorded: \(overview.obstacle)")
        }
        guard !json else { return try Console.writeJSON(summary) }
        Console.write(summary.text)
    }

    private var text: String {
        var table = Table([("", .left), ("", .left)])
        table.add(["rows counted", counting ? Self.rows(rows) : "none: \(obstacle)"])
        for task in tasks { table.add(["of task \(task.task)", Self.rows(task.rows)]) }
        table.add(["steps sampled", "\(sampledSteps)"])
        table.add(["trace", trace.text])
        return table.text
    }

    private static func rows(_ count: Double) -> String { Format.fixed(count, digits: 0) }
}

extension ProfileSummary.Trace {
    fileprivate var text: String {
        let state = recording ? "recording" : full ? "full" : steps > 0 ? "recorded" : "none"
        guard recording || steps > 0 else { return state }
        return "\(state): \(steps) steps of \(rows) rows, \(Format.bytes(bytes)) of "
            + Format.bytes(byteLimit)
    }
}
