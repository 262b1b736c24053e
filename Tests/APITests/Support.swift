import API
import ClusterTesting
import JSON
import Settings
import Synchronization
import Testing
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

/// The same with a worker that takes its time: a job that fills the context lasts for minutes.
func withSlowServer<Result: Sendable>(
    settings: [String: String] = [:],
    body: @escaping @Sendable (HTTPClient, InProcessCluster) async throws -> Result
) async throws -> Result {
    try await withServer(
        settings: settings,
        workersPresent: 0,
        whenReady: false
    ) { client, cluster in
        try await ScriptedWorker.slow("worker-1", in: cluster).running {
            try await TestClient(cluster).status { $0.isReady }
            return try await body(client, cluster)
        }
    }
}

/// Asks a server that is told to be impatient, until it answers.
func expectAlive(_ client: HTTPClient) async throws {
    let question = HTTPClient.request("GET", "/health", headers: [:], body: [])
    // On a busy machine such a server may give up before it is asked.
    for _ in 0..<20 {
        let answer = try await client.exchange([question]) { _ in true }
        guard answer.isEmpty else {
            return #expect(try HTTPClient.reply(in: answer).status == 200)
        }
    }
    Issue.record("no connection is answered")
}

/// What the demo model calls itself.
let modelName = "moiety-demo-40m"
