import Cluster
import Generation
import Inference
import Kernels
import Messaging
import Model
import Settings
import Wire

/// The thread that computes: owns the forward pass, the engine and the data socket.
struct StepThread {
    /// Where commands go.
    let inbox: Mailbox<StepCommand>
    let thread: NamedThread
    /// Where workers connect for shares.
    let endpoint: Endpoint

    /// Commands that may wait: a full queue of jobs and its cancellations.
    private static let queueLimit = 1 << 17

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

    /// Starts the thread; it ends after `StepCommand.stop`, with `StepReport.stopped`.
    init(
        served: ServedModel,
        settings: CoordinatorSettings,
        dataEndpoint: Endpoint,
        context: MessagingContext,
        life: UInt32,
        reports: Mailbox<LoopCommand>
    ) throws(MessagingError) {
        let inbox = try Mailbox<StepCommand>(limit: Self.queueLimit)
        let socket = try Socket(.router, in: context)
        endpoint = try socket.bind(dataEndpoint)
        self.inbox = inbox
        var limits = Scheduler.Limits()
        limits.stepRows = Self.stepRows(settings, served)
        limits.runningSequences = settings.runningJobCount
        limits.queuedSequences = settings.queuedJobCount
        limits.contextLength = min(settings.contextLength, served.description.contextLength)
        let exchangeLimits = settings.exchangeLimits
        let patience = settings.workerWait
        // Numbers that no other life uses.
        let firstShare = ShareID(rawValue: UInt64(life) << 32)
        thread = try NamedThread("moiety-step") { [limits] in
            let report = { (report: StepReport) in _ = reports.post(.report(report)) }
            let clock = LoopClock()
            let arrivals = StepInbox(inbox)
            let runner = RemoteRunner(
                model: served.description,
                socket: socket,
                inbox: arrivals,
                clock: clock,
                firstShare: firstShare,
                limits: exchangeLimits,
                log: { report(.runner($0)) }
            )
            let forward = ForwardPass(
                model: served.description,
                weights: served.weights,
                kernels: Kernels(
                    instructionSet: served.instructionSet,
                    threadCount: served.threadCount
                ),
                experts: runner
            )
            let loop = StepLoop(
                engine: Engine(forward: forward, tokenizer: served.tokenizer, limits: limits),
                forward: forward,
                runner: runner,
                inbox: arrivals,
                socket: socket,
                clock: clock,
                patience: patience,
                report: report
            )
            loop.run()
            report(.stopped)
        }
    }
}
