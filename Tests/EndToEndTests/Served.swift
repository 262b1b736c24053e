import ClusterTesting
import Testing
import Wire

/// `moiety serve` with two workers, in a directory of its own.
final class Served {
    let process: ClusterProcess
    private let directory: TemporaryFile
    private let endpoint: String

    /// - Parameters:
    ///   - clientEndpoint: one of its own unless given.
    ///   - options: further ones of the command.
    init(
        model: String = WholeModel.demoPath,
        clientEndpoint: String? = nil,
        options: [String] = []
    ) throws {
        directory = try TemporaryFile("served")
        endpoint = clientEndpoint ?? "ipc://\(directory.path)-clients"
        process = try ClusterProcess(
            "moiety",
            [
                "serve", "-m", model, "--workers", "2", "--state", directory.path,
                "--worker-endpoint", "ipc://\(directory.path)-workers",
                "--client-endpoint", endpoint,
            ] + options
        )
    }

    var client: TestClient { TestClient(endpoint: endpoint) }

    /// Waits for the cluster.
    ///
    /// - Returns: its processes.
    func whenReady() async throws -> [Int32] {
        try await client.status { $0.isReady }
        let children = try process.children()
        #expect(children.count == 3, "\(process.logText)")
        return children
    }
}
