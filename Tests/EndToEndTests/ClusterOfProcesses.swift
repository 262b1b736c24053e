import ClusterTesting
import Foundation
import Placement
import Testing

/// A coordinator and workers as processes, in a directory of their own.
///
/// Everything that was started is killed with the value.
final class ClusterOfProcesses {
    let directory: TemporaryFile
    let modelPath: String
    private let workerCount: Int
    private let descriptorLimit: Int?
    private let planPath: String?
    private let recoveryWait: String
    private let chunkBandwidth: String?
    private let workerOptions: [String]
    private let coordinatorOptions: [String]
    private(set) var coordinator: ClusterProcess
    private(set) var workers: [String: ClusterProcess] = [:]

    init(
        model: String = WholeModel.demoPath,
        workers names: [String] = ["alpha", "beta"],
        instructionSets: [String: String] = [:],
        plan: Plan? = nil,
        recoveryWait: String = "1h",
        descriptorLimit: Int? = nil,
        withoutFile: Set<String> = [],
        chunkBandwidth: String? = nil,
        workerOptions: [String] = [],
        coordinatorOptions: [String] = []
    ) throws {
        self.workerOptions = workerOptions
        self.coordinatorOptions = coordinatorOptions
        self.recoveryWait = recoveryWait
        self.chunkBandwidth = chunkBandwidth
        directory = try TemporaryFile("cluster")
        modelPath = model
        workerCount = names.count
        self.descriptorLimit = descriptorLimit
        let path = "\(directory.path)-plan.json"
        planPath = plan == nil ? nil : path
        if let plan { try Data(plan.json()).write(to: URL(filePath: path)) }
        coordinator = try Self.startCoordinator(
            in: directory.path,
            model: model,
            workerCount: names.count,
            planPath: planPath,
            recoveryWait: recoveryWait,
            descriptorLimit: descriptorLimit,
            chunkBandwidth: chunkBandwidth,
            options: coordinatorOptions
        )
        for name in names {
            try startWorker(
                name,
                instructionSet: instructionSets[name],
                hasFile: !withoutFile.contains(name)
            )
        }
    }

    var client: TestClient { TestClient(endpoint: Self.clients(directory.path)) }

    /// - Parameter hasFile: false for a worker that must get its experts from the coordinator.
    func startWorker(
        _ name: String,
        instructionSet: String? = nil,
        hasFile: Bool = true
    ) throws {
        workers[name] = try ClusterProcess(
            "moiety-worker",
            [
                "--name", name, "--coordinator", workerEndpoint, "--state-directory",
                "\(directory.path)/\(name)", "--cache-directory", cachePath, "--threads", "1",
            ] + (hasFile ? ["--model", modelPath] : []) + workerOptions,
            environment: instructionSet.map { ["MOIETY_ISA": $0] } ?? [:]
        )
    }

    /// - Parameter chunkBandwidth: nil for what it was at first.
    func startCoordinator(chunkBandwidth: String? = nil) throws {
        coordinator = try Self.startCoordinator(
            in: directory.path,
            model: modelPath,
            workerCount: workerCount,
            planPath: planPath,
            recoveryWait: recoveryWait,
            descriptorLimit: descriptorLimit,
            chunkBandwidth: chunkBandwidth ?? self.chunkBandwidth,
            options: coordinatorOptions
        )
    }

    /// Another coordinator of the same settings, while the first may still run.
    func secondCoordinator(stateDirectory: String? = nil) throws -> ClusterProcess {
        try Self.startCoordinator(
            in: directory.path,
            model: modelPath,
            workerCount: workerCount,
            stateDirectory: stateDirectory
        )
    }

    var workerEndpoint: String { "ipc://\(directory.path)-workers" }
    var clientEndpoint: String { Self.clients(directory.path) }
    var chunkEndpoint: String { "ipc://\(directory.path)-workers.chunks" }
    /// Where workers keep what they got from the coordinator.
    var cachePath: String { "\(directory.path)-cache" }
    var dataEndpoint: String { "ipc://\(directory.path)-shares" }

    func worker(_ name: String) throws -> ClusterProcess { try #require(workers[name]) }

    private static func startCoordinator(
        in directory: String,
        model: String,
        workerCount: Int,
        stateDirectory: String? = nil,
        planPath: String? = nil,
        recoveryWait: String = "1h",
        descriptorLimit: Int? = nil,
        chunkBandwidth: String? = nil,
        options: [String] = []
    ) throws -> ClusterProcess {
        try ClusterProcess(
            "moiety-coordinator",
            [
                "--model", model, "--workers", "\(workerCount)", "--threads", "1",
                "--worker-endpoint", "ipc://\(directory)-workers",
                "--data-endpoint", "ipc://\(directory)-shares",
                "--client-endpoint", clients(directory),
                "--state-directory", stateDirectory ?? directory,
            ] + (planPath.map { ["--plan", $0] } ?? [])
                + (chunkBandwidth.map { ["--chunk-bandwidth", $0] } ?? []) + options,
            environment: [
                "MOIETY_COORDINATOR_HEARTBEAT_INTERVAL": "50ms",
                "MOIETY_COORDINATOR_SILENCE_LIMIT": "2s",
                "MOIETY_COORDINATOR_SHARE_TIME": "20s",
                "MOIETY_COORDINATOR_WORKER_WAIT": "1h",
                "MOIETY_COORDINATOR_RECOVERY_WAIT": recoveryWait,
            ],
            descriptorLimit: descriptorLimit
        )
    }

    private static func clients(_ directory: String) -> String { "ipc://\(directory)-clients" }
}
