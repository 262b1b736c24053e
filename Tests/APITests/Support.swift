import API
import ClusterTesting
import Settings
import Wire

/// Runs `body` with a client of a cluster in this process, once it is ready for jobs.
func withServer<Result: Sendable>(
    settings: [String: String] = [:],
    workerCount: Int = 1,
    whenReady: Bool = true,
    body: @escaping @Sendable (HTTPClient, InProcessCluster) async throws -> Result
) async throws -> Result {
    var setup = InProcessCluster.Setup(modelPath: WholeModel.demoPath, workerCount: workerCount)
    setup.settings = settings
    return try await InProcessCluster.prepare(setup) { cluster in
        var setup = cluster.setup
        let path = "\(cluster.directory)/http"
        setup.settings["coordinator.http-endpoint"] = "ipc://\(path)"
        let cluster = cluster.with(setup)
        let listening = Signal()
        let service = APIService(
            settings: try cluster.coordinatorSettings(),
            logger: InProcessCluster.logger("coordinator")
        ) { _ in listening.fire() }
        let workers = try setup.workers.map { try cluster.worker($0) }
        return try await cluster.running([.service(service)] + workers) {
            await listening.wait()
            if whenReady { try await TestClient(cluster).status { $0.isReady } }
            return try await body(HTTPClient(path: path), cluster)
        }
    }
}
