package import Cluster
import Generation
import Inference
import Kernels
import Ledger
package import Messaging
import Model
import Placement
package import Settings
import Wire

/// Returns after an event, or after so long; nil waits for ever.
package typealias Sleep = (Duration?) throws(MessagingError) -> Void

/// The step thread: runs the engine while there is work and the cluster can compute.
///
/// It waits in the middle of a step, for workers, so it is given a way to sleep.
package final class StepLoop {
    private let engine: Engine
    private let forward: ForwardPass
    private let runner: RemoteRunner
    private let counting: CountingRunner
    private let inbox: StepInbox
    private let clock: LoopClock
    private let sleep: Sleep
    private let report: (StepReport) -> Void
    private let loads: LoadBoard
    /// How long jobs wait for workers before they fail.
    private let patience: Duration
    /// Whether workers that read experts from disk are told what coming work will ask for.
    private let tellsOutlooks: Bool

    private var jobs: [JobID: RunningJob] = [:]
    private var evaluations: [RunningEvaluation] = []
    private var unreadySince: Instant?
    private var isStopped = false

    private struct RunningJob {
        let sequence: Engine.SequenceID
        let task: String
        let promptTokenCount: Int
        let arrival: Instant
        /// Rows that each worker had computed when the job came.
        let rowCounts: [WorkerRows]
    }

    /// - Parameters:
    ///   - socket: The data socket, bound.
    ///   - life: The number of this life of the coordinator.
    ///   - keeping: By which counts outlive it; nil where they do not.
    ///   - sleep: Returns when the socket or the mailbox has something, or time is up.
    package init(
        served: ServedModel,
        settings: CoordinatorSettings,
        socket: any MessageSocket,
        inbox: Mailbox<StepCommand>,
        life: UInt32,
        clock: LoopClock,
        figures: Latest<StepFigures> = Latest(StepFigures()),
        loads: LoadBoard = LoadBoard(),
        keeping: CountsKeeping? = nil,
        sleep: @escaping Sleep,
        report: @escaping (StepReport) -> Void
    ) {
        self.inbox = StepInbox(inbox)
        self.clock = clock
        self.sleep = sleep
        self.report = report
        self.loads = loads
        (patience, tellsOutlooks) = (settings.workerWait, settings.loadsWhileIdle)
        let kernels = Kernels(instructionSet: served.instructionSet, threads: served.threads)
        kernels.pool.bindCaller()
        runner = RemoteRunner(
            model: served.description,
            socket: socket,
            inbox: self.inbox,
            clock: clock,
            // Numbers that no other life uses.
            firstShare: ShareID(rawValue: UInt64(life) << 32),
            limits: settings.exchangeLimits,
            figures: figures,
            lossy: LossyWorkers(areAllowed: settings.allowsLossy),
            rest: { kernels.pool.rest() },
            sleep: sleep,
            log: { report(.runner($0)) }
        )
        counting = CountingRunner(
            runner,
            model: served.description,
            settings: settings.profiling,
            keeping: keeping,
            largestStep: Scheduler.Limits(settings, served).stepRows,
            partCount: settings.microBatchCount
        )
        forward = ForwardPass(
            model: served.description,
            weights: served.weights,
            kernels: kernels,
            experts: counting,
            microBatches: settings.microBatchCount,
            cache: CacheLimits(settings, served)
        )
        engine = Engine(
            forward: forward,
            tokenizer: served.tokenizer,
            limits: Scheduler.Limits(settings, served),
            prefixes: PrefixLimits(settings, served),
            clock: { clock.now - Instant(nanoseconds: 0) }
        )
        tellEachOther()
    }

    private func tellEachOther() {
        runner.engineFigures = { [weak engine] in engine?.figures ?? EngineFigures() }
        runner.lossy.onChange = { [weak engine] in engine?.forgetPages() }
        engine.mostRows = { [runner] in runner.mostRows }
        engine.willRun = { [counting, runner] slices in
            counting.begin(slices)
            runner.lossy.uses.begin(slices)
        }
    }

    /// Runs until told to stop; the last report is `stopped`.
    package func run() {
        while !isStopped {
            runner.idle()
            loads.fulfil { counting.loads }
            counting.keep(now: clock.now)
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
        counting.keepLast()
        report(.stopped)
    }

    private var hasWork: Bool { engine.hasWork || !evaluations.isEmpty }

    private func perform(_ command: StepCommand) {
        switch command {
        case .generate(let id, let request, let task): add(request, as: id, task: task)
        case .cancel(let id): if let job = jobs[id] { engine.cancel(job.sequence) }
        case .evaluate(let job): add(job)
        case .profile(let wish, let client): report(.profile(counting.fulfil(wish), for: client))
        case .topology: break  // The inbox hands these to the runner.
        case .stop: isStopped = true
        }
    }

    // MARK: Work

    private func add(_ request: GenerationRequest, as id: JobID, task: String?) {
        var request = request
        request.task = task ?? ""
        do throws(RequestError) {
            let sequence = try engine.add(request) { [weak self] in self?.handle($0, of: id) }
            if let refused = counting.label(sequence, as: task) { report(.uncountedTask(refused)) }
            jobs[id] = RunningJob(
                sequence: sequence,
                task: request.task,
                promptTokenCount: request.prompt.count + request.resumed.count,
                arrival: clock.now,
                rowCounts: runner.rowCounts
            )
        } catch {
            report(.ended(id, .failedBeforeStart("\(error)", request), []))
        }
    }

    private func handle(_ event: GenerationEvent, of id: JobID) {
        guard case .ended(var result) = event else { return report(.event(id, event)) }
        let job = jobs.removeValue(forKey: id)
        if let job {
            counting.forget(job.sequence)
            result.expertUses = runner.lossy.uses.take(job.sequence)
        }
        report(.ended(id, result, runner.rowCounts.since(job?.rowCounts ?? [])))
    }

    private func add(_ job: EvaluationJob) {
        evaluations.append(RunningEvaluation(job: job, forward: forward, arrival: clock.now))
    }

    /// One step for the jobs, and one chunk for the oldest evaluation.
    private func step() {
        engine.step()
        guard runner.isReady, let evaluation = evaluations.first else { return }
        engine.free(pageCount: evaluation.wantedPageCount)
        counting.begin(rowCount: evaluation.nextRowCount)
        runner.lossy.uses.begin([])
        do throws(ForwardError) {
            let isDone = try evaluation.step()
            evaluation.count(runner.lossy.uses.takeOthers())
            guard isDone else { return }
            report(.evaluated(evaluation.job, evaluation.result))
        } catch {
            report(.evaluationFailed(evaluation.job, "\(error)"))
        }
        evaluations.removeFirst()
    }

    // MARK: Waiting

    private func waitForChange() {
        guard !inbox.holdsSomething else { return }
        runner.tellFigures()
        var timeout: Duration?
        if hasWork {
            let since = unreadySince ?? clock.now
            unreadySince = since
            giveUp(whatCameBefore: clock.now, unreadySince: since)
            timeout = firstDeadline(since).map { max(.zero, $0 - clock.now) }
        } else {
            unreadySince = nil
            forward.rest()
        }
        let keepingPause = counting.keepingDeadline.map { max(.zero, $0 - clock.now) }
        for pause in [tellOutlook(), keepingPause] {
            if let pause { timeout = min(timeout ?? pause, pause) }
        }
        do throws(MessagingError) {
            try sleep(timeout)
        } catch {
            report(.broken("\(error)"))
            isStopped = true
        }
    }

    /// Tells workers what coming work will ask for, if there is news.
    ///
    /// - Returns: when to try again, where somebody could not be told.
    private func tellOutlook() -> Duration? {
        guard tellsOutlooks else { return nil }
        return runner.tellOutlook(for: Set(jobs.values.map(\.task))) {
            let requests = jobs.values.map { job in
                counting.request(
                    job.sequence,
                    promptTokenCount: job.promptTokenCount,
                    answerLength: engine.expectedAnswerLength(of: job.sequence) ?? 0
                )
            }
            return counting.ranking(for: requests)
        }
    }

    /// When the first job or evaluation will have waited too long.
    private func firstDeadline(_ unreadySince: Instant) -> Instant? {
        let first = (jobs.values.map(\.arrival) + evaluations.map(\.arrival)).min()
        return first.map { max($0, unreadySince) + patience }
    }

    /// Nobody came in time: what has waited its time fails, with the reason.
    private func giveUp(whatCameBefore now: Instant, unreadySince: Instant) {
        func isOverdue(_ arrival: Instant) -> Bool {
            max(arrival, unreadySince) + patience <= now
        }
        let message = "no complete cluster within \(patience): \(runner.unreadiness)"
        let overdue = jobs.values.filter { isOverdue($0.arrival) }.map(\.sequence)
        for sequence in overdue.sorted() { engine.fail(sequence, message) }
        for evaluation in evaluations where isOverdue(evaluation.arrival) {
            report(.evaluationFailed(evaluation.job, message))
        }
        evaluations.removeAll { isOverdue($0.arrival) }
    }
}

extension Scheduler.Limits {
    init(_ settings: CoordinatorSettings, _ served: ServedModel) {
        self.init()
        stepRows = Self.stepRows(settings, served)
        runningSequences = settings.runningJobCount
        queuedSequences = settings.queuedJobCount
        contextLength = min(settings.contextLength, served.description.contextLength)
        admission =
            switch settings.admission {
            case .arrival: .arrival
            case .objectives: .objectives
            }
    }

    /// Rows of a step: as set, but enough for every running job and some prompt, and no more than
    /// one message can carry back.
    private static func stepRows(_ settings: CoordinatorSettings, _ served: ServedModel) -> Int {
        let model = served.description
        let wire = WireLimits()
        let rowByteCount = model.hiddenSize * MemoryLayout<Double>.size
        return min(
            max(settings.prefillRowCount, 2 * settings.runningJobCount),
            MessagingLimits().frameByteCount / rowByteCount,
            wire.rowCount,
            wire.pairCount / max(1, model.expertsPerToken)
        )
    }
}
