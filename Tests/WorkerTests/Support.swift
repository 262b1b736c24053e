import ClusterTesting
import Foundation
import Logging
import Settings
import Worker

/// Runs a worker and, on a thread of its own, a scripted coordinator.
func besideWorker(
    _ model: String,
    settings more: [String: String] = [:],
    _ body: @escaping @Sendable (ScriptedCoordinator) throws -> Void
) async throws {
    let place = try TemporaryFile("worker")
    try FileManager.default.createDirectory(
        atPath: place.path,
        withIntermediateDirectories: true
    )
    let settings = try WorkerSettings.load(
        commandLine: [
            "worker.name": "worker", "worker.model": model,
            "worker.coordinator": "ipc://\(place.path)/workers",
            "worker.state-directory": "\(place.path)/state", "worker.threads": "1",
        ].merging(more) { $1 },
        surroundings: Surroundings(
            variables: ["HOME": "/nonexistent"],
            userIsRoot: false,
            hostName: "tests"
        )
    )
    let logger = Logger(label: "worker") { _ in SwiftLogNoOpLogHandler() }
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await WorkerService(settings: settings, logger: logger).run() }
        defer { group.cancelAll() }
        try await onThread { try body(ScriptedCoordinator(directory: place.path)) }
    }
}
