public import Cluster

/// Everything that can be said to a coordinator, checked.
public struct CoordinatorSettings: Sendable {
    /// The GGUF file, the first part of several; nil where nobody named one.
    public let modelPath: String?

    /// Where workers come for control messages.
    public let workerEndpoint: EndpointAddress

    /// Where shares leave and partial rows arrive.
    public let dataEndpoint: EndpointAddress

    /// Where workers ask for experts that no file of their own has.
    public let chunkEndpoint: EndpointAddress

    /// Bytes of such experts that may leave in a second; 0 for no bound.
    public let chunkBandwidth: Int

    /// Where clients and admins come.
    public let clientEndpoint: EndpointAddress

    /// Keys of those who may connect; nil where only this machine can.
    public let keys: CoordinatorKeySettings?

    /// How HTTP is served, and to whom.
    public let http: HTTPSettings

    /// What outlives the process: plan, epoch, identity.
    public let stateDirectory: String

    /// A plan to use instead of the contiguous one.
    public let planPath: String?

    public let expectedWorkers: Membership.Expected

    /// Whether workers may be lossy; answers are exact otherwise.
    public let allowsLossy: Bool

    /// Whether workers that read experts from disk load, while they have nothing to compute, what
    /// coming work is expected to use.
    public let loadsWhileIdle: Bool

    /// Threads for mathematics; 0 leaves it to the daemon, one per core.
    public let threadCount: Int

    /// CPUs that those threads are bound to, one each; empty leaves them unbound.
    public let cpus: [Int]

    /// Most positions of one job, prompt and answer together.
    public let contextLength: Int

    /// How keys and values of all positions are kept.
    public let keyValueType: KeyValueType

    /// What they may take of memory, and what is kept of them.
    public let cache: CacheSettings

    /// Most jobs that share a step.
    public let runningJobCount: Int

    /// Most jobs that wait; further ones are refused at the door.
    public let queuedJobCount: Int

    /// Who comes in first of those that wait.
    public let admission: AdmissionOrder

    /// Most prompt rows in one step.
    public let prefillRowCount: Int

    /// Into how many parts a step's rows are cut at most, so that workers and coordinator compute
    /// at the same time.
    public let microBatchCount: Int

    /// What is counted of the routers' choices, and when the plan follows by itself.
    public let profiling: ProfilingSettings

    /// What the job ledger keeps of jobs that have ended.
    public let ledger: LedgerSettings

    /// How long the step thread looks for answers before it sleeps.
    public let spinTime: Duration

    /// How often a worker says that it lives.
    public let heartbeatInterval: Duration

    /// How long a worker may be silent before it counts as lost.
    public let silenceLimit: Duration

    /// How long a worker may compute one share.
    public let shareTime: Duration

    /// How long a job waits for missing workers before it fails, in the middle of a step too.
    public let workerWait: Duration

    /// How long a lost worker is waited for before others load what only it held.
    public let recoveryWait: Duration

    /// How long all must be back before others let go of what they took over.
    public let recoveryHold: Duration

    /// Whether the system must not swap the process out.
    public let locksMemory: Bool

    public let logLevel: LogLevel

    private let described: [DescribedSetting]
}

extension CoordinatorSettings {
    /// Command line, then environment, then file, then default.
    ///
    /// - Parameters:
    ///   - commandLine: Values by whole key, such as `coordinator.threads`.
    ///   - file: A settings file that must exist; nil takes the user's or the system's if there
    ///     is one.
    ///   - surroundings: Whose environment counts.
    /// - Returns: Values that have all been checked.
    /// - Throws: `SettingsError` at the first thing that is wrong.
    public static func load(
        commandLine: [String: String] = [:],
        file: String? = nil,
        surroundings: Surroundings = .current
    ) throws(SettingsError) -> CoordinatorSettings {
        let sources = try SettingsSources(
            daemon: "coordinator",
            commandLine: commandLine,
            file: file,
            surroundings: surroundings
        )
        var reader = SettingsReader(section: "coordinator", sources: sources)
        return try CoordinatorSettings(&reader, surroundings: surroundings)
    }

    private init(
        _ reader: inout SettingsReader,
        surroundings: Surroundings
    ) throws(SettingsError) {
        modelPath = try reader.optional("model", .path)
        workerEndpoint = try reader.value("worker-endpoint", .listening, default: .workers)
        dataEndpoint = try reader.value(
            "data-endpoint",
            .listening,
            default: workerEndpoint.sibling(suffix: "data") ?? .anyData
        )
        (chunkEndpoint, chunkBandwidth) = try Self.chunks(&reader, beside: workerEndpoint)
        clientEndpoint = try reader.value("client-endpoint", .listening, default: .clients)
        keys = try CoordinatorKeySettings(&reader)
        http = try HTTPSettings(&reader)
        stateDirectory = try reader.value(
            "state-directory",
            .path,
            default: surroundings.stateDirectory(of: "coordinator")
        )
        planPath = try reader.optional("plan", .path)
        expectedWorkers = try reader.value("workers", .expectedWorkers, default: .count(1))
        allowsLossy = try reader.value("lossy", .truth, default: false)
        loadsWhileIdle = try reader.value("idle-loading", .truth, default: true)

        threadCount = try reader.value("threads", .threads, default: 0)
        cpus = try reader.optional("cpus", .cpus) ?? []
        let contexts = 16...(1 << 20)
        contextLength = try reader.value("context-length", .number(in: contexts), default: 8192)
        keyValueType = try reader.value("kv-type", .keyValueType, default: .f16)
        cache = try CacheSettings(&reader)
        runningJobCount = try reader.value("running-jobs", .number(in: 1...256), default: 8)
        queuedJobCount = try reader.value("queued-jobs", .number(in: 0...100_000), default: 256)
        admission = try reader.value("admission", .admissionOrder, default: .objectives)
        prefillRowCount = try reader.value("prefill-rows", .number(in: 1...4096), default: 256)
        microBatchCount = try reader.value("micro-batches", .number(in: 1...8), default: 1)
        profiling = try ProfilingSettings(&reader)
        ledger = try LedgerSettings(&reader)
        spinTime = try reader.spinTime()
        locksMemory = try reader.locksMemory()

        (heartbeatInterval, silenceLimit) = try Self.heartbeat(&reader)
        shareTime = try reader.value("share-time", .time, default: .seconds(30))
        workerWait = try reader.value("worker-wait", .patience, default: .seconds(30))
        recoveryWait = try reader.value("recovery-wait", .patience, default: .seconds(1))
        recoveryHold = try reader.value("recovery-hold", .patience, default: .seconds(60))
        logLevel = try reader.value("log-level", .logLevel, default: .info)
        try reader.finish()
        described = reader.described
    }

    /// Where chunks leave, and how many bytes in a second.
    private static func chunks(
        _ reader: inout SettingsReader,
        beside workers: EndpointAddress
    ) throws(SettingsError) -> (endpoint: EndpointAddress, bandwidth: Int) {
        let endpoint = try reader.value(
            "chunk-endpoint",
            .listening,
            default: workers.sibling(suffix: "chunks") ?? .anyData
        )
        return (endpoint, try reader.value("chunk-bandwidth", .byteCount, default: 0))
    }

    /// One late heartbeat must not look like a lost worker.
    private static func heartbeat(
        _ reader: inout SettingsReader
    ) throws(SettingsError) -> (interval: Duration, silence: Duration) {
        let interval = try reader.value(
            "heartbeat-interval",
            .duration(in: .milliseconds(10) ... .seconds(60)),
            default: .milliseconds(250)
        )
        let silence = try reader.value(
            "silence-limit",
            .duration(in: .milliseconds(20)...WorkerSession.Limits().longestSilence),
            default: .milliseconds(1500)
        )
        let text = DurationText.text(of: interval)
        try reader.require(
            silence >= interval * 2,
            of: "silence-limit",
            "at least twice coordinator.heartbeat-interval, which is \(text)"
        )
        return (interval, silence)
    }

    /// What the settings say of membership; the rest is as built in.
    ///
    /// Half the silence limit makes a worker suspect, so that its successor need not wait long.
    public var membershipLimits: Membership.Limits {
        var limits = Membership.Limits()
        limits.heartbeatInterval = heartbeatInterval
        limits.suspicionTime = silenceLimit / 2
        limits.silenceLimit = silenceLimit
        limits.recoveryDelay = recoveryWait
        limits.homeDelay = recoveryHold
        return limits
    }

    /// What the settings say of one layer's exchange; the rest is as built in.
    public var exchangeLimits: Exchange.Limits {
        var limits = Exchange.Limits()
        limits.answerTime = shareTime
        limits.absenceTime = workerWait
        return limits
    }

    /// Each setting with its value and who gave it, in the order of the settings file.
    public func describe() -> [DescribedSetting] { described }

    /// The model file's path.
    ///
    /// - Returns: `modelPath`.
    /// - Throws: `SettingsError.missingValue` where nobody named one.
    public func requiredModelPath() throws(SettingsError) -> String {
        guard let modelPath else { throw .missingValue(key: "coordinator.model") }
        return modelPath
    }
}

extension SettingKind<Duration> {
    /// Long enough to be measured, short enough that somebody still waits for it.
    fileprivate static var time: SettingKind {
        duration(in: .milliseconds(20) ... .seconds(3600))
    }

    /// Up to a day, or none at all.
    fileprivate static var patience: SettingKind {
        duration(in: .zero ... .seconds(86_400))
    }
}
