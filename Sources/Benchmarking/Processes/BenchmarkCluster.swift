public import Foundation
import Wire

/// A coordinator and workers as processes on chosen processors; killed with the value.
public final class BenchmarkCluster {
    /// What runs where.
    public struct Layout: Equatable, Sendable {
        public var workerCount = 2
        public var coordinatorThreads = 2
        public var workerThreads = 1
        /// The coordinator's; each worker has one of them.
        public var processors: ProcessorSet
        public var link = ClusterLink.ipc
        /// Further options of the coordinator, for measuring what they do.
        public var coordinatorArguments: [String] = []
        public var workerArguments: [String] = []

        public init(processors: ProcessorSet) {
            self.processors = processors
            coordinatorThreads = processors.numbers.count
        }
    }

    private static let startTime = Duration.seconds(600)
    private static let pollSeconds = 0.002

    private let scratch: ScratchDirectory
    public let coordinator: ProgramProcess
    public private(set) var workers: [ProgramProcess] = []
    /// From starting the first process until the cluster can serve.
    public private(set) var startSeconds = 0.0
    private(set) var connection: CoordinatorConnection?

    /// Starts the processes and waits until they can serve.
    ///
    /// - Parameters:
    ///   - directory: where the daemons' executables lie.
    ///   - progress: told what the coordinator says about itself.
    public init(
        model: String,
        layout: Layout,
        directory: URL,
        contextLength: Int = 8192,
        progress: (String) -> Void = { _ in }
    ) throws {
        let start = ContinuousClock.now
        scratch = try ScratchDirectory()
        let addresses = try ClusterAddresses(
            layout.link,
            workerCount: layout.workerCount,
            in: scratch
        )
        let coordinator = try Self.startCoordinator(
            model,
            layout,
            directory,
            contextLength: contextLength,
            scratch,
            addresses
        )
        self.coordinator = coordinator
        let address = try addresses.bound("worker-endpoint", check: coordinator.requireRunning)
        for number in 1...layout.workerCount {
            let arguments = addresses.workerArguments(number, coordinator: address)
            workers.append(
                try Self.startWorker(number, model, layout, directory, scratch, arguments)
            )
        }
        let processes = [coordinator] + workers
        let clients = try addresses.bound("client-endpoint", check: coordinator.requireRunning)
        let connection = try CoordinatorConnection(clients, security: addresses.security) {
            for process in processes { try process.requireRunning() }
        }
        self.connection = connection
        var status = try connection.status()
        while !status.isReady {
            for process in processes { try process.requireRunning() }
            guard ContinuousClock.now - start < Self.startTime else {
                throw ClusterBenchmarkError.notReady(
                    seconds: Int(Self.startTime / .seconds(1)),
                    status: status.text
                )
            }
            progress(status.text)
            Thread.sleep(forTimeInterval: Self.pollSeconds)
            status = try connection.status()
        }
        startSeconds = (ContinuousClock.now - start) / .seconds(1)
    }

    public func stop() {
        connection = nil
        for process in [coordinator] + workers { process.stop() }
    }

    private static func startCoordinator(
        _ model: String,
        _ layout: Layout,
        _ directory: URL,
        contextLength: Int,
        _ scratch: ScratchDirectory,
        _ addresses: ClusterAddresses
    ) throws -> ProgramProcess {
        try ProgramProcess(
            "coordinator",
            program: "moiety-coordinator",
            in: directory,
            arguments: [
                "--model", model, "--workers", "\(layout.workerCount)",
                "--http-endpoint", "none",
                "--state-directory", scratch.path,
                "--threads", "\(layout.coordinatorThreads)",
                "--context-length", "\(contextLength)",
                "--running-jobs", "256",
                "--exit-with-parent", "\(getpid())", "--log-level", "warning",
            ] + addresses.coordinatorArguments + layout.coordinatorArguments,
            processors: layout.processors,
            logPath: scratch.file("coordinator.log")
        )
    }

    private static func startWorker(
        _ number: Int,
        _ model: String,
        _ layout: Layout,
        _ directory: URL,
        _ scratch: ScratchDirectory,
        _ connection: [String]
    ) throws -> ProgramProcess {
        try ProgramProcess(
            "worker-\(number)",
            program: "moiety-worker",
            in: directory,
            arguments: [
                "--name", "worker-\(number)", "--model", model,
                "--state-directory", scratch.file("worker-\(number)"),
                "--threads", "\(layout.workerThreads)",
                "--exit-with-parent", "\(getpid())", "--log-level", "warning",
            ] + connection + layout.workerArguments,
            processors: layout.processors.only(number - 1),
            logPath: scratch.file("worker-\(number).log")
        )
    }
}
