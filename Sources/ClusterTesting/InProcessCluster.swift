import Coordinator
import Foundation
public import Kernels
import Logging
public import Placement
import Settings
public import Worker

/// A coordinator and its workers in this process, joined by sockets in a directory of their own.
///
/// The daemons are the real ones; only the processes are missing.
public struct InProcessCluster: Sendable {
    /// Where a client connects.
    public let clientEndpoint: String
    let directory: String
    let modelPath: String

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

        public init(
            _ name: String,
            instructionSet: InstructionSet? = nil,
            modelPath: String? = nil
        ) {
            self.name = name
            self.instructionSet = instructionSet
            self.modelPath = modelPath
        }
    }

    /// Runs `body` beside a cluster, which is stopped afterwards.
    public static func run<Result: Sendable>(
        _ setup: Setup,
        body: @Sendable (InProcessCluster) async throws -> Result
    ) async throws -> Result {
        let place = try TemporaryFile("cluster")
        defer { withExtendedLifetime(place) {} }
        try FileManager.default.createDirectory(
            atPath: place.path,
            withIntermediateDirectories: true
        )
        let cluster = InProcessCluster(
            clientEndpoint: "ipc://\(place.path)/clients",
            directory: place.path,
            modelPath: setup.modelPath
        )
        return try await withThrowingTaskGroup(of: Void.self) { group in
            let coordinator = try cluster.coordinator(setup)
            group.addTask { try await coordinator.run() }
            for worker in setup.workers {
                let service = try cluster.worker(worker)
                group.addTask { try await service.run() }
            }
            defer { group.cancelAll() }
            return try await body(cluster)
        }
    }

    private func coordinator(_ setup: Setup) throws -> CoordinatorService {
        var values = setup.settings
        values["coordinator.model"] = modelPath
        values["coordinator.worker-endpoint"] = "ipc://\(directory)/workers"
        values["coordinator.client-endpoint"] = clientEndpoint
        values["coordinator.state-directory"] = "\(directory)/coordinator"
        values["coordinator.workers"] = "\(setup.workers.count)"
        values["coordinator.threads"] = "1"
        if let plan = setup.plan {
            let path = "\(directory)/plan.json"
            try Data(plan.json()).write(to: URL(filePath: path))
            values["coordinator.plan"] = path
        }
        let settings = try CoordinatorSettings.load(
            commandLine: values,
            surroundings: Self.surroundings
        )
        return CoordinatorService(settings: settings, logger: Self.logger("coordinator"))
    }

    /// A worker to be run by the caller: one that comes late, or comes back.
    public func worker(_ worker: Worker) throws -> WorkerService {
        let settings = try WorkerSettings.load(
            commandLine: [
                "worker.name": worker.name,
                "worker.model": worker.modelPath ?? modelPath,
                "worker.coordinator": "ipc://\(directory)/workers",
                "worker.state-directory": "\(directory)/\(worker.name)",
                "worker.threads": "1",
            ],
            surroundings: Self.surroundings
        )
        return WorkerService(
            settings: settings,
            instructionSet: worker.instructionSet,
            logger: Self.logger(worker.name)
        )
    }

    /// No environment and no files of the machine that runs the tests.
    private static var surroundings: Surroundings {
        Surroundings(variables: ["HOME": "/nonexistent"], userIsRoot: false, hostName: "tests")
    }

    /// Silent, unless MOIETY_TEST_LOG asks to hear the daemons.
    private static func logger(_ name: String) -> Logger {
        var logger = Logger(label: name) { StreamLogHandler.standardError(label: $0) }
        let isAsked = ProcessInfo.processInfo.environment["MOIETY_TEST_LOG"] != nil
        logger.logLevel = isAsked ? .debug : .critical
        return logger
    }
}
