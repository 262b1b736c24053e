import Cluster
import Generation
import Inference
import Messaging
import Model
import Placement
import Wire

/// The step thread: runs the engine while there is work and the cluster can compute.
final class StepLoop {
    private let engine: Engine
    private let forward: ForwardPass
    private let runner: RemoteRunner
    private let inbox: StepInbox
    private let socket: Socket
    private let clock: LoopClock
    private let report: (StepReport) -> Void
    /// How long jobs wait for workers before they fail.
    private let patience: Duration

    private var jobs: [JobID: RunningJob] = [:]
    private var evaluations: [RunningEvaluation] = []
    private var unreadySince: Instant?
    private var isStopped = false
    private var poller = Poller()

    private struct RunningJob {
        let sequence: Engine.SequenceID
        let arrival: Instant
        /// Rows that each worker had computed when the job came.
        let rowCounts: [WorkerRows]
    }

    init(
        engine: Engine,
        forward: ForwardPass,
        runner: RemoteRunner,
        inbox: StepInbox,
        socket: Socket,
        clock: LoopClock,
        patience: Duration,
        report: @escaping (StepReport) -> Void
    ) {
        self.engine = engine
        self.forward = forward
        self.runner = runner
        self.inbox = inbox
        self.socket = socket
        self.clock = clock
        self.patience = patience
        self.report = report
    }

    /// Runs until told to stop.
    func run() {
        while !isStopped {
            runner.idle()
            for command in inbox.takeCommands() { perform(command) }
            guard !isStopped else { break }
            if runner.isReady, hasWork {
                unreadySince = nil
                step()
            } else {
                waitForChange()
            }
        }
        engine.failAll("the coordinator is shutting down")
        for evaluation in evaluations {
            report(.evaluationFailed(evaluation.job, "the coordinator is shutting down"))
        }
    }

    private var hasWork: Bool { engine.hasWork || !evaluations.isEmpty }

    private func perform(_ command: StepCommand) {
        switch command {
        case .generate(let id, let request): add(request, as: id)
        case .cancel(let id): if let job = jobs[id] { engine.cancel(job.sequence) }
        case .evaluate(let job): add(job)
        case .topology: break  // The inbox hands these to the runner.
        case .stop: isStopped = true
        }
    }

    // MARK: Work

    private func add(_ request: GenerationRequest, as id: JobID) {
        do throws(RequestError) {
            let sequence = try engine.add(request) { [weak self] in self?.handle($0, of: id) }
            jobs[id] = RunningJob(
                sequence: sequence,
                arrival: clock.now,
                rowCounts: runner.rowCounts
            )
        } catch {
            report(.ended(id, .failedBeforeStart("\(error)", request), []))
        }
    }

    private func handle(_ event: GenerationEvent, of id: JobID) {
        guard case .ended(let result) = event else { return report(.event(id, event)) }
        let before = jobs.removeValue(forKey: id)?.rowCounts ?? []
        report(.ended(id, result, runner.rowCounts.since(before)))
    }

    private func add(_ job: EvaluationJob) {
        evaluations.append(RunningEvaluation(job: job, forward: forward, arrival: clock.now))
    }

    /// One step for the jobs, and one chunk for the oldest evaluation.
    private func step() {
        engine.step()
        guard runner.isReady, let evaluation = evaluations.first else { return }
        do throws(ForwardError) {
            guard try evaluation.step() else { return }
            report(.evaluated(evaluation.job, evaluation.result))
        } catch {
            report(.evaluationFailed(evaluation.job, "\(error)"))
        }
        evaluations.removeFirst()
    }

    // MARK: Waiting

    private func waitForChange() {
        guard !inbox.holdsSomething else { return }
        var timeout: Duration?
        if hasWork {
            let since = unreadySince ?? clock.now
            unreadySince = since
            let oldest = (jobs.values.map(\.arrival) + evaluations.map(\.arrival)).min()
            let deadline = max(since, oldest ?? since) + patience
            guard clock.now < deadline else { return giveUp() }
            timeout = deadline - clock.now
        } else {
            unreadySince = nil
        }
        do throws(MessagingError) {
            _ = try poller.wait(for: [socket], or: inbox.waker, timeout: timeout)
        } catch {
            report(.broken("\(error)"))
            isStopped = true
        }
    }

    /// Nobody came in time: everything that waits fails, with the reason.
    private func giveUp() {
        unreadySince = nil
        let message = "no complete cluster within \(patience): \(runner.unreadiness)"
        engine.failAll(message)
        for evaluation in evaluations { report(.evaluationFailed(evaluation.job, message)) }
        evaluations = []
    }
}
