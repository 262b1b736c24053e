import API
import ClusterTesting
import JSON
import Settings
import Synchronization
import Wire

/// Runs `body` with a client of a cluster in this process, once it is ready for jobs.
func withServer<Result: Sendable>(
    settings: [String: String] = [:],
    workerSettings: [String: String] = [:],
    workersPresent: Int = 1,
    whenReady: Bool = true,
    tcp: Bool = false,
    limits change: @escaping @Sendable (inout APILimits) -> Void = { _ in },
    body: @escaping @Sendable (HTTPClient, InProcessCluster) async throws -> Result
) async throws -> Result {
    var setup = InProcessCluster.Setup(modelPath: WholeModel.demoPath, workerCount: 1)
    setup.settings = settings
    setup.workers[0].settings = workerSettings
    return try await InProcessCluster.prepare(setup) { cluster in
        var setup = cluster.setup
        setup.settings["coordinator.http-endpoint"] =
            tcp ? "tcp://127.0.0.1:0" : "ipc://\(cluster.directory)/http"
        let cluster = cluster.with(setup)
        let listening = Signal()
        let place = Mutex("")
        let settings = try cluster.coordinatorSettings()
        var limits = APILimits(settings)
        change(&limits)
        let service = APIService(
            settings: settings,
            limits: limits,
            logger: InProcessCluster.logger("coordinator")
        ) { address in
            place.withLock { $0 = address }
            listening.fire()
        }
        let workers = try setup.workers.prefix(workersPresent).map { try cluster.worker($0) }
        return try await cluster.running([.service(service)] + workers) {
            await listening.wait()
            if whenReady { try await TestClient(cluster).status { $0.isReady } }
            return try await body(HTTPClient(address: place.withLock { $0 }), cluster)
        }
    }
}

/// What the demo model calls itself.
let modelName = "moiety-demo-40m"
