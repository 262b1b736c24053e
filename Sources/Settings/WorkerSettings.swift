public import Placement

/// Everything that can be said to a worker, checked.
///
/// How often it sends heartbeats and how long silence may last is the coordinator's to say.
public struct WorkerSettings: Sendable {
    /// What plans call this worker.
    public let name: WorkerName

    /// The GGUF file on this machine, the first part of several; nil where nobody named one.
    public let modelPath: String?

    /// Where the coordinator's model file is looked for where no file is named: a shared directory.
    public let modelDirectory: String?

    /// Where experts are kept that came from the coordinator.
    public let cacheDirectory: String

    /// Bytes that they may take there; 0 keeps none.
    public let cacheByteCount: Int

    /// Where the coordinator expects workers.
    public let coordinatorEndpoint: EndpointAddress

    /// By which it and the coordinator know each other; nil where both are on this machine.
    public let keys: WorkerKeySettings?

    /// What outlives the process: the last incarnation and verified digests of experts.
    public let stateDirectory: String

    /// Threads for mathematics; 0 leaves it to the daemon, one per core.
    public let threadCount: Int

    /// CPUs that those threads are bound to, one each; empty leaves them unbound.
    public let cpus: [Int]

    /// Threads that read and verify experts; 0 leaves it to the daemon, one per core.
    public let loadThreadCount: Int

    /// Bytes of memory that experts may fill; nil for what the machine has.
    public let memoryByteCount: UInt64?

    /// Bytes of memory that the whole process may take; nil for what it takes.
    ///
    /// Experts of the model file, which is named then, stay on disk, and some are in memory.
    public let memoryBudget: Int?

    /// How accuracy is given for speed where experts do not fit into that; nil for exact answers.
    public let lossy: LossySettings?

    /// How long the step thread looks for shares before it sleeps.
    public let spinTime: Duration

    /// Whether the system must not swap the process out.
    public let locksMemory: Bool

    public let logLevel: LogLevel

    private let described: [DescribedSetting]
}

extension WorkerSettings {
    /// Command line, then environment, then file, then default.
    ///
    /// - Parameters:
    ///   - commandLine: Values by whole key, such as `worker.threads`.
    ///   - file: A settings file that must exist; nil takes the user's or the system's if there
    ///     is one.
    ///   - surroundings: Whose environment counts.
    /// - Returns: Values that have all been checked.
    /// - Throws: `SettingsError` at the first thing that is wrong.
    public static func load(
        commandLine: [String: String] = [:],
        file: String? = nil,
        surroundings: Surroundings = .current
    ) throws(SettingsError) -> WorkerSettings {
        let sources = try SettingsSources(
            daemon: "worker",
            commandLine: commandLine,
            file: file,
            surroundings: surroundings
        )
        var reader = SettingsReader(section: "worker", sources: sources)
        return try WorkerSettings(&reader, surroundings: surroundings)
    }

    private init(
        _ reader: inout SettingsReader,
        surroundings: Surroundings
    ) throws(SettingsError) {
        let hostName = WorkerName(hostName: surroundings.hostName)
        guard let name = try reader.optional("name", .workerName, default: hostName) else {
            throw .missingValue(key: "worker.name")
        }
        self.name = name
        modelPath = try reader.optional("model", .path)
        modelDirectory = try reader.optional("model-directory", .path)
        cacheDirectory = try reader.value(
            "cache-directory",
            .path,
            default: surroundings.cacheDirectory
        )
        cacheByteCount = try reader.value("cache-size", .byteCount, default: 50_000_000_000)
        coordinatorEndpoint = try reader.value("coordinator", .connecting, default: .workers)
        keys = try WorkerKeySettings(&reader)
        // Workers of one machine must not share their state, so it is named after the worker.
        stateDirectory = try reader.value(
            "state-directory",
            .path,
            default: surroundings.stateDirectory(of: "worker-\(name)")
        )
        threadCount = try reader.value("threads", .threads, default: 0)
        cpus = try reader.optional("cpus", .cpus) ?? []
        loadThreadCount = try reader.value("load-threads", .threads, default: 0)
        let megabytes = try reader.optional("memory-megabytes", .number(in: 1...1 << 30))
        memoryByteCount = megabytes.map { UInt64($0) * 1_000_000 }
        memoryBudget = try reader.optional("memory", .byteCount)
        try reader.require(memoryBudget != 0, of: "memory", "more than 0")
        try reader.require(
            memoryBudget == nil || modelPath != nil,
            of: "memory",
            "given together with worker.model: experts that stay on disk are that file's"
        )
        lossy = try LossySettings(&reader, hasMemory: memoryBudget != nil)
        spinTime = try reader.spinTime()
        locksMemory = try reader.locksMemory()
        logLevel = try reader.value("log-level", .logLevel, default: .info)
        try reader.finish()
        described = reader.described
    }

    /// Each setting with its value and who gave it, in the order of the settings file.
    public func describe() -> [DescribedSetting] { described }
}

extension WorkerName {
    /// The machine's name with dashes for what a worker's name may not have; nil where nothing
    /// is left.
    init?(hostName: String) {
        let name = hostName.prefix(WorkerName.longest).map { character in
            WorkerName(rawValue: String(character)) == nil ? "-" : String(character)
        }
        self.init(rawValue: name.joined())
    }
}
