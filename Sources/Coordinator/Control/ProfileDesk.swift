import Cluster
import Messaging
import Model
import Placement
import Wire

/// Counts as they were when clients asked, while they fetch them part by part.
struct ProfileDesk {
    private var moments: [Moment] = []
    /// Clients whom the step thread owes an answer.
    private var waiting: [Peer] = []

    private struct Moment {
        let client: Peer
        let report: ProfileReport
        var lastAsked: Instant
    }

    /// Clients that fetch at once; the one that began first gives way.
    private static let limit = 4
    private static let waitingLimit = 64
    /// A client that has asked for nothing this long has all it wants.
    private static let patience = Duration.seconds(10)

    /// Notes that a client waits for the step thread.
    ///
    /// - Returns: why it may not ask now; nil where it may.
    mutating func admit(_ client: Peer) -> String? {
        guard !waiting.contains(client) else {
            return "the last question about the profile is not answered yet"
        }
        guard waiting.count < Self.waitingLimit else { return "too many ask at once; try again" }
        waiting.append(client)
        return nil
    }

    /// Keeps what a client has asked for, and says what there is of it.
    mutating func keep(
        _ report: ProfileReport,
        for client: Peer,
        now: Instant
    ) -> ProfileOverview {
        waiting.removeAll { $0 == client }
        moments.removeAll { $0.client == client }
        moments.append(Moment(client: client, report: report, lastAsked: now))
        if moments.count > Self.limit { moments.removeFirst() }
        return ProfileOverview(report)
    }

    mutating func forgetOld(now: Instant) {
        guard moments.contains(where: { $0.lastAsked + Self.patience <= now }) else { return }
        moments.removeAll { $0.lastAsked + Self.patience <= now }
    }

    /// - Returns: nil where there is no such part, or no longer.
    mutating func part(
        _ wish: GetProfilePart,
        for client: Peer,
        now: Instant
    ) -> ClientMessage? {
        guard let place = moments.firstIndex(where: { $0.client == client }) else { return nil }
        moments[place].lastAsked = now
        let (counter, recorder) = (moments[place].report.counter, moments[place].report.recorder)
        switch wish.kind {
        case .layer:
            guard counter.isCounting, counter.expertCounts.indices.contains(wish.index) else {
                return nil
            }
            let counts = counter.counts(of: wish.task, layer: LayerIndex(wish.index))
            return .profileLayer(ProfileLayer(counts: counts))
        case .sample: return Self.steps(wish.index, of: recorder.samples)
        case .trace: return Self.steps(wish.index, of: recorder.trace)
        }
    }

    private static func steps(_ index: Int, of pieces: [RecordedSteps]) -> ClientMessage? {
        guard pieces.indices.contains(index) else { return nil }
        return .profileSteps(ProfileSteps(steps: pieces[index]))
    }
}

extension ProfileOverview {
    fileprivate init(_ report: ProfileReport) {
        let (counter, recorder) = (report.counter, report.recorder)
        self.init(
            obstacle: report.obstacle,
            rowCount: counter.rows(),
            topK: counter.topK,
            expertCounts: counter.expertCounts,
            tasks: counter.tasks.map { Task(name: $0, rowCount: counter.rows(of: $0)) },
            sampleCount: recorder.sampleCount
        )
        let counts = recorder.trace.lazy.flatMap(\.rowCounts)
        trace.pieceCount = recorder.trace.count
        trace.stepCount = UInt64(clamping: recorder.traceStepCount)
        trace.rowCount = counts.reduce(0) { $0 + UInt64($1) }
        trace.byteCount = recorder.trace.reduce(0) { $0 + UInt64(clamping: $1.byteCount) }
        trace.byteLimit = UInt64(clamping: recorder.limits.traceByteCount)
        trace.isRecording = recorder.isRecording
        trace.isFull = recorder.isFull
    }
}
