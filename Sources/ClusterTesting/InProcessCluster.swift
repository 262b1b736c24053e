public import Coordinator
import Foundation
public import Kernels
public import Logging
public import Placement
public import ServiceLifecycle
public import Settings
public import Worker

/// A coordinator and its workers in this process, joined by sockets in a directory of their own.
///
/// The daemons are the real ones; only the processes are missing.
public struct InProcessCluster: Sendable {
    /// Private to this cluster, and gone with it.
    public let directory: String
    public let setup: Setup

    /// Where workers connect.
    public var workerEndpoint: String { "ipc://\(directory)/workers" }
    /// Where a client connects.
    public var clientEndpoint: String { "ipc://\(directory)/clients" }
    /// Where workers get their shares.
    public var dataEndpoint: String { "ipc://\(directory)/shares" }
    /// Where workers without a file ask for experts.
    public var chunkEndpoint: String { "ipc://\(directory)/chunks" }
    /// Where the workers keep such experts, all in one place.
    public var cacheDirectory: String { "\(directory)/cache" }
    /// What the coordinator remembers between its lives.
    public var stateDirectory: String { "\(directory)/coordinator" }

    /// What to start.
    public struct Setup: Sendable {
        public var modelPath: String
        public var workers: [Worker]
        public var plan: Plan?
        /// Further settings of the coordinator, by whole key.
        public var settings: [String: String] = [:]

        public init(modelPath: String, workers: [Worker], plan: Plan? = nil) {
            self.modelPath = modelPath
            self.workers = workers
            self.plan = plan
        }

        /// So many workers called worker-1 and so on.
        public init(modelPath: String, workerCount: Int) {
            self.init(
                modelPath: modelPath,
                workers: (1...workerCount).map { Worker("worker-\($0)") }
            )
        }
    }

    public struct Worker: Sendable {
        public var name: String
        public var instructionSet: InstructionSet?
        /// Nil where it has the coordinator's file.
        public var modelPath: String?
        /// False where it has no model file at all.
        public var hasFile = true
        /// Further settings, by whole key.
        public var settings: [String: String] = [:]

        public init(
            _ name: String,
            instructionSet: InstructionSet? = nil,
            modelPath: String? = nil
        ) {
            self.name = name
            self.instructionSet = instructionSet
            self.modelPath = modelPath
        }

        /// The same without a model file.
        public func withoutFile(_ settings: [String: String] = [:]) -> Worker {
            var worker = self
            worker.hasFile = false
            worker.settings = settings
            return worker
        }
    }

    /// A service of the cluster that can be run.
    public enum Daemon: Sendable {
        case coordinator(CoordinatorService)
        case worker(WorkerService)
        case service(any Service)

        /// Serves until cancelled.
        public func run() async throws {
            switch self {
            case .coordinator(let service): try await service.run()
            case .worker(let service): try await service.run()
            case .service(let service): try await service.run()
            }
        }
    }

    /// Runs `body` beside a cluster, which is stopped afterwards.
    @discardableResult
    public static func run<Result: Sendable>(
        _ setup: Setup,
        body: @escaping @Sendable (InProcessCluster) async throws -> Result
    ) async throws -> Result {
        try await prepare(setup) { cluster in
            let workers = try setup.workers.map { try cluster.worker($0) }
            return try await cluster.running([cluster.coordinator()] + workers) {
                try await body(cluster)
            }
        }
    }

    /// Makes the directory of a cluster of which nothing runs yet.
    @discardableResult
    public static func prepare<Result: Sendable>(
        _ setup: Setup,
        body: @Sendable (InProcessCluster) async throws -> Result
    ) async throws -> Result {
        let place = try TemporaryFile("cluster")
        defer { withExtendedLifetime(place) {} }
        try FileManager.default.createDirectory(
            atPath: place.path,
            withIntermediateDirectories: true
        )
        return try await body(InProcessCluster(directory: place.path, setup: setup))
    }

    /// The same cluster with other settings, for the coordinator's next life.
    public func with(_ setup: Setup) -> InProcessCluster {
        InProcessCluster(directory: directory, setup: setup)
    }

    /// Runs `body` beside daemons, which are cancelled at its end and have ended on return.
    ///
    /// - Throws: what `body` throws, or a daemon that cannot go on.
    @discardableResult
    public func running<Result: Sendable>(
        _ daemons: [Daemon],
        body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            for daemon in daemons {
                group.addTask {
                    try await daemon.run()
                    return nil
                }
            }
            group.addTask { try await body() }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    /// The coordinator, to be run by the caller where `prepare` made the cluster.
    public func coordinator() throws -> Daemon {
        .coordinator(
            CoordinatorService(
                settings: try coordinatorSettings(),
                logger: Self.logger("coordinator")
            )
        )
    }

    /// What is waited for where a test does not say how long: more than any machine stalls.
    private static let patience = [
        "coordinator.worker-wait": "1h", "coordinator.recovery-wait": "1h",
        "coordinator.silence-limit": "30s",
    ]

    /// What the coordinator of this cluster is told.
    public func coordinatorSettings() throws -> CoordinatorSettings {
        var values = Self.patience.merging(setup.settings) { $1 }
        values["coordinator.model"] = setup.modelPath
        values["coordinator.worker-endpoint"] = workerEndpoint
        values["coordinator.client-endpoint"] = clientEndpoint
        values["coordinator.data-endpoint"] = dataEndpoint
        values["coordinator.chunk-endpoint"] = chunkEndpoint
        values["coordinator.state-directory"] = stateDirectory
        values["coordinator.workers"] = "\(setup.workers.count)"
        values["coordinator.threads"] = "1"
        if let plan = setup.plan {
            let path = "\(directory)/plan.json"
            try Data(plan.json()).write(to: URL(filePath: path))
            values["coordinator.plan"] = path
        }
        return try CoordinatorSettings.load(
            commandLine: values,
            surroundings: Self.surroundings
        )
    }

    /// A worker to be run by the caller: one that comes late, or comes back.
    public func worker(_ worker: Worker) throws -> Daemon {
        var values = worker.settings
        values["worker.name"] = worker.name
        if worker.hasFile { values["worker.model"] = worker.modelPath ?? setup.modelPath }
        values["worker.coordinator"] = workerEndpoint
        values["worker.state-directory"] = "\(directory)/\(worker.name)"
        values["worker.cache-directory"] = values["worker.cache-directory"] ?? cacheDirectory
        values["worker.threads"] = "1"
        let settings = try WorkerSettings.load(
            commandLine: values,
            surroundings: Self.surroundings
        )
        return .worker(
            WorkerService(
                settings: settings,
                instructionSet: worker.instructionSet,
                logger: Self.logger(worker.name)
            )
        )
    }

    /// No environment and no files of the machine that runs the tests.
    private static var surroundings: Surroundings {
        Surroundings(variables: ["HOME": "/nonexistent"], userIsRoot: false, hostName: "tests")
    }

    /// Silent, unless MOIETY_TEST_LOG asks to hear the daemons.
    public static func logger(_ name: String) -> Logger {
        var logger = Logger(label: name) { StreamLogHandler.standardError(label: $0) }
        let isAsked = ProcessInfo.processInfo.environment["MOIETY_TEST_LOG"] != nil
        logger.logLevel = isAsked ? .debug : .critical
        return logger
    }
}
