import Cluster
import Generation
import Model
import Placement
import Settings
import Tensors
import Wire

/// Counts what the routers choose on its way to the workers, who compute meanwhile.
///
/// Belongs to the step thread: no locks, and no memory asked for once the largest step was seen.
/// What others want to see of it is copied in the blink of an eye: tables are shared until the next
/// row is counted in them.
final class CountingRunner: ExpertRunner {
    private let runner: any ExpertRunner
    /// Whether anything is counted.
    private let isOn: Bool
    private var counter: ProfileCounter
    private var recorder: StepRecorder
    /// Whose rows running sequences' are.
    private var labels: [Engine.SequenceID: ProfileCounter.Label] = [:]
    /// The step's rows; `[row]`.
    private var rowLabels: [ProfileCounter.Label] = []
    private var parts = PartRows()
    /// Whether somebody was told that there are more tasks than fit.
    private var hasToldOfOthers = false
    /// Nil where counts end with this life.
    private let keeping: CountsKeeping?
    private var pace: KeepingPace
    /// Whether rows were counted since the pace was told.
    private var hasNews = false

    /// - Parameters:
    ///   - keeping: by which counts come from a former life, and go to the next; nil for neither.
    ///   - largestStep: rows of a step at most.
    ///   - partCount: parts of a step at most.
    init(
        _ runner: any ExpertRunner,
        model: ModelDescription,
        settings: ProfilingSettings,
        keeping: CountsKeeping?,
        largestStep: Int,
        partCount: Int
    ) {
        self.runner = runner
        self.keeping = keeping
        pace = KeepingPace(interval: keeping?.interval ?? .zero)
        isOn = settings.halfLife > 0 && model.expertsPerToken > 0
        let halfLife = Double(max(1, settings.halfLife))
        let topK = max(1, model.expertsPerToken)
        let expertCounts = isOn ? model.expertCounts : []
        var counterLimits = ProfileCounter.Limits()
        counterLimits.tasks = settings.taskCount
        counterLimits.parts = partCount
        counter = ProfileCounter(
            expertCounts: expertCounts,
            topK: topK,
            halfLife: halfLife,
            limits: counterLimits
        )
        var recorderLimits = StepRecorder.Limits()
        recorderLimits.traceByteCount = settings.traceByteCount
        recorder = StepRecorder(
            expertCounts: expertCounts,
            topK: topK,
            largestStep: largestStep,
            halfLife: halfLife,
            limits: recorderLimits
        )
        rowLabels.reserveCapacity(largestStep)
        parts.reserveCapacity(partCount)
        goOn()
    }

    /// Goes on from what a former life has counted.
    private func goOn() {
        guard isOn, let kept = keeping?.takeKept() else { return }
        counter.add(kept)
        recorder.take(kept)
    }

    // MARK: The runner's calls

    var foresight: Int { runner.foresight }

    func foresee(_ part: Int, layer: LayerIndex, distance: Int, routing: Routing) {
        runner.foresee(part, layer: layer, distance: distance, routing: routing)
    }

    func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        try runner.start(part, layer: layer, activations: activations, routing: routing)
        if isOn { count(routing, layer: layer, part: part) }
    }

    func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        try runner.finish(part, into: &sums)
    }

    func cancel() {
        runner.cancel()
        // The step may begin anew.
        if isOn { begin() }
    }

    private func count(_ routing: Routing, layer: LayerIndex, part: Int) {
        parts.start(part, rowCount: routing.rowCount)
        guard let first = parts.first(of: part) else { return }
        counter.count(routing.experts, layer: layer, part: part, labels: rowLabels, from: first)
        recorder.add(routing.experts, layer: layer, from: first)
        hasNews = counter.isCounting
    }

    // MARK: Whose rows come

    /// Counts a sequence's rows as a task's.
    ///
    /// - Returns: the task, where it is the first of those that count as others.
    func label(_ sequence: Engine.SequenceID, as task: String?) -> String? {
        guard isOn, counter.isCounting else { return nil }
        let label = counter.label(of: task)
        labels[sequence] = label
        guard !hasToldOfOthers, let task, task != ProfileCounter.other,
            !counter.tasks.contains(task)
        else { return nil }
        hasToldOfOthers = true
        return task
    }

    func forget(_ sequence: Engine.SequenceID) { labels[sequence] = nil }

    /// A sequence as one of the requests that have not ended.
    func request(
        _ sequence: Engine.SequenceID,
        promptTokenCount: Int,
        answerLength: Double
    ) -> ComingWork.Request {
        ComingWork.Request(
            label: labels[sequence] ?? .none,
            promptTokenCount: promptTokenCount,
            answerLength: answerLength
        )
    }

    /// Experts that these requests are expected to use, the most wanted first.
    func ranking(for requests: [ComingWork.Request]) -> [ExpertID] {
        isOn ? ComingWork(counter: counter).ranking(for: requests) : []
    }

    /// A step of jobs begins.
    func begin(_ slices: [Scheduler.Slice]) {
        guard isOn else { return }
        rowLabels.removeAll(keepingCapacity: true)
        for slice in slices {
            let label = labels[slice.sequence] ?? .none
            for _ in 0..<slice.tokenCount { rowLabels.append(label) }
        }
        begin()
    }

    /// A step of rows that are no job's begins.
    func begin(rowCount: Int) {
        guard isOn else { return }
        rowLabels.removeAll(keepingCapacity: true)
        for _ in 0..<rowCount { rowLabels.append(.none) }
        begin()
    }

    private func begin() {
        parts.begin()
        recorder.begin(rowCount: rowLabels.count)
    }

    // MARK: From one life to the next

    /// Hands counts over to be written, where it is time.
    func keep(now: Instant) {
        guard let keeping else { return }
        if hasNews {
            hasNews = false
            pace.onRows(byteCount: counter.byteCount, now: now)
        }
        guard pace.isDue(now: now) else { return }
        pace.onHandedOver(isTaken: keeping.write(report, false), now: now)
    }

    /// When `keep` is to be called if nothing happens before.
    var keepingDeadline: Instant? { pace.deadline }

    /// This life ends: hands over what was not handed over yet.
    func keepLast() {
        guard let keeping, hasNews || pace.isBehind else { return }
        _ = keeping.write(report, true)
    }

    // MARK: Wishes

    /// How often each expert was chosen lately; `[layer][expert]`.
    var loads: [[Double]] { counter.activations }

    func fulfil(_ wish: GetProfile.Action) -> ProfileReport {
        switch wish {
        case .look: break
        case .startTrace: if isOn { recorder.start() }
        case .stopTrace: recorder.stop()
        }
        return report
    }

    private var report: ProfileReport {
        ProfileReport(counter: counter, recorder: recorder, obstacle: obstacle)
    }

    /// Why nothing is counted; empty where rows are.
    private var obstacle: String {
        guard isOn else { return "coordinator.profile-half-life is 0" }
        return counter.isCounting ? "" : "the tables of a model of so many experts are too large"
    }
}

/// The counts at one moment.
package struct ProfileReport: Sendable {
    let counter: ProfileCounter
    let recorder: StepRecorder
    /// Why nothing is counted; empty where rows are.
    let obstacle: String
}
