import CProtobufC
import CWire
import Placement

extension GetProfile {
    init(_ raw: Moiety__V1__GetProfile, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(action: reader.choice(raw.action.rawValue, "get_profile.action"))
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__GetProfile> {
        unsafe writer.message(moiety__v1__get_profile__init) { raw in
            unsafe raw.action = Moiety__V1__ProfileAction(rawValue: action.rawValue)
        }
    }
}

extension ProfileOverview {
    init(_ raw: Moiety__V1__ProfileOverview, _ reader: MessageReader) throws(WireError) {
        let counts: [UInt32] = try unsafe reader.list(
            raw.expert_counts,
            count: raw.n_expert_counts,
            "profile_overview.expert_counts",
            limit: reader.limits.layerCount
        )
        let limit = reader.limits.layerExpertCount
        try unsafe self.init(
            obstacle: reader.text(raw.obstacle, "profile_overview.obstacle"),
            rowCount: reader.amount(raw.row_count, "profile_overview.row_count"),
            topK: reader.count(raw.top_k, "profile_overview.top_k", limit: limit),
            expertCounts: counts.map { count throws(WireError) in
                try reader.count(count, "profile_overview.expert_counts", limit: limit)
            },
            tasks: reader.parts(raw.tasks, count: raw.n_tasks, "profile_overview.tasks") {
                task throws(WireError) in
                try unsafe Task(
                    name: reader.text(task.name, "profile_task.name"),
                    rowCount: reader.amount(task.row_count, "profile_task.row_count")
                )
            },
            sampleCount: reader.count(
                raw.sample_count,
                "profile_overview.sample_count",
                limit: reader.limits.stepCount
            ),
            trace: Trace(raw, reader)
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__ProfileOverview> {
        let tasks = unsafe tasks.map { task in
            unsafe Optional(
                writer.message(moiety__v1__profile_task__init) { raw in
                    unsafe raw.name = writer.text(task.name)
                    unsafe raw.row_count = task.rowCount
                }
            )
        }
        return unsafe writer.message(moiety__v1__profile_overview__init) { raw in
            unsafe raw.obstacle = writer.message(obstacle)
            unsafe raw.row_count = rowCount
            unsafe raw.top_k = UInt32(clamping: topK)
            unsafe raw.n_expert_counts = expertCounts.count
            unsafe raw.expert_counts = writer.list(expertCounts.map { UInt32(clamping: $0) })
            unsafe raw.n_tasks = tasks.count
            unsafe raw.tasks = writer.list(tasks)
            unsafe raw.sample_count = UInt32(clamping: sampleCount)
            unsafe trace.write(to: &raw)
        }
    }
}

extension ProfileOverview.Trace {
    fileprivate init(
        _ raw: Moiety__V1__ProfileOverview,
        _ reader: MessageReader
    ) throws(WireError) {
        self.init()
        pieceCount = try unsafe reader.count(
            raw.trace_piece_count,
            "profile_overview.trace_piece_count",
            limit: reader.limits.stepCount
        )
        unsafe stepCount = raw.trace_step_count
        unsafe rowCount = raw.trace_row_count
        unsafe byteCount = raw.trace_byte_count
        unsafe byteLimit = raw.trace_byte_limit
        unsafe isRecording = raw.is_recording != 0
        unsafe isFull = raw.is_full != 0
    }

    fileprivate func write(to raw: inout Moiety__V1__ProfileOverview) {
        unsafe raw.trace_piece_count = UInt32(clamping: pieceCount)
        unsafe raw.trace_step_count = stepCount
        unsafe raw.trace_row_count = rowCount
        unsafe raw.trace_byte_count = byteCount
        unsafe raw.trace_byte_limit = byteLimit
        unsafe raw.is_recording = isRecording ? 1 : 0
        unsafe raw.is_full = isFull ? 1 : 0
    }
}

extension GetProfilePart {
    init(_ raw: Moiety__V1__GetProfilePart, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            kind: reader.choice(raw.kind.rawValue, "get_profile_part.kind"),
            index: reader.count(
                raw.index,
                "get_profile_part.index",
                limit: reader.limits.stepCount
            ),
            task: reader.optionalText(raw.task, "get_profile_part.task")
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__GetProfilePart> {
        unsafe writer.message(moiety__v1__get_profile_part__init) { raw in
            unsafe raw.kind = Moiety__V1__ProfilePartKind(rawValue: kind.rawValue)
            unsafe raw.index = UInt32(clamping: index)
            unsafe raw.task = writer.text(task ?? "")
        }
    }
}

extension ProfileLayer {
    init(_ raw: Moiety__V1__ProfileLayer, _ reader: MessageReader) throws(WireError) {
        try reader.requireRawFrames(3, "profile_layer")
        let limit = reader.limits.layerExpertCount
        let experts = try unsafe reader.count(
            raw.expert_count,
            "profile_layer.expert_count",
            limit: limit
        )
        let following = try unsafe reader.count(
            raw.following_count,
            "profile_layer.following_count",
            limit: limit
        )
        let pairs = experts * max(0, experts - 1) / 2
        guard
            let counts = LayerCounts(
                activations: try reader.rawFrame(1, "profile_layer's activations", count: experts),
                coactivations: try reader.rawFrame(2, "profile_layer's pairs", count: pairs),
                transitions: try reader.rawFrame(
                    3,
                    "profile_layer's transitions",
                    count: experts,
                    per: following
                ),
                following: following
            )
        else { throw .invalidValue(field: "profile_layer", value: "\(experts) experts") }
        self.init(counts: counts)
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__ProfileLayer> {
        writer.append(counts.activations)
        writer.append(counts.coactivations)
        writer.append(counts.transitions)
        return unsafe writer.message(moiety__v1__profile_layer__init) { raw in
            unsafe raw.expert_count = UInt32(clamping: counts.experts)
            unsafe raw.following_count = UInt32(clamping: counts.following)
        }
    }
}

extension ProfileSteps {
    init(_ raw: Moiety__V1__ProfileSteps, _ reader: MessageReader) throws(WireError) {
        try reader.requireRawFrames(2, "profile_steps")
        let stepCount = try unsafe reader.count(
            raw.step_count,
            "profile_steps.step_count",
            limit: reader.limits.stepCount
        )
        let chosenCount = try unsafe reader.count(
            raw.chosen_count,
            "profile_steps.chosen_count",
            limit: reader.limits.chosenCount
        )
        try self.init(
            steps: RecordedSteps(
                rowCounts: reader.rawFrame(1, "profile_steps' rows", count: stepCount),
                experts: reader.rawFrame(2, "profile_steps' experts", count: chosenCount)
            )
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__ProfileSteps> {
        writer.append(steps.rowCounts)
        writer.append(steps.experts)
        return unsafe writer.message(moiety__v1__profile_steps__init) { raw in
            unsafe raw.step_count = UInt32(clamping: steps.rowCounts.count)
            unsafe raw.chosen_count = UInt32(clamping: steps.experts.count)
        }
    }
}

extension MessageReader {
    /// A number that counts something: not negative, and finite.
    func amount(_ value: Double, _ field: String) throws(WireError) -> Double {
        guard value >= 0, value.isFinite else {
            throw .invalidValue(field: field, value: "\(value)")
        }
        return value
    }
}
