import API
import ClusterTesting
import Foundation
import JSON
import NIOSSL
import Testing

@Suite("HTTPS", .serialized, .timeLimit(.minutes(10)))
struct TLSTests {
    private static func fixture(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/\(name)").path
    }

    /// A copy that nobody else may read, unlike files in a checkout.
    private static func secret(_ name: String, mode: Int = 0o600) throws -> TemporaryFile {
        let copy = try TemporaryFile(name)
        try Data(contentsOf: URL(filePath: fixture(name))).write(to: URL(filePath: copy.path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: copy.path)
        return copy
    }

    private static func withTLS(
        limits: @escaping @Sendable (inout APILimits) -> Void = { _ in },
        body: @escaping @Sendable (HTTPClient) async throws -> Void
    ) async throws {
        let key = try secret("localhost.key")
        defer { withExtendedLifetime(key) {} }
        let settings = [
            "coordinator.tls-certificate": fixture("localhost.crt"),
            "coordinator.tls-key": key.path,
        ]
        try await withServer(settings: settings, tcp: true, limits: limits) { client, _ in
            try await body(client)
        }
    }

    private static func context(
        _ change: (inout TLSConfiguration) -> Void = { _ in }
    ) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(fixture("localhost.crt"))
        change(&configuration)
        return try NIOSSLContext(configuration: configuration)
    }

    @Test("Answers come over TLS, whole and streamed, and the certificate is the server's")
    func answers() async throws {
        try await Self.withTLS { plain in
            #expect(plain.address.hasPrefix("https://127.0.0.1:"))
            var client = plain
            client.tls = try Self.context()
            #expect(try await client.get("/health").status == 200)
            let ask: JSONValue = ["prompt": "NAME\n", "max_tokens": 4, "temperature": 0]
            let whole = try await client.post("/v1/completions", ask)
            #expect(whole.status == 200, "\(whole.text)")
            let events = try await client.stream(
                "/v1/completions",
                ["prompt": "NAME\n", "max_tokens": 4, "temperature": 0, "stream": true]
            )
            let text = try events.dropLast().compactMap { event in
                try JSONValue(parsing: Array(event.utf8))["choices"]?[0]?["text"]?.text
            }.joined()
            #expect(try whole.json["choices"]?[0]?["text"] == .string(text))
        }
    }

    @Test("Who speaks no TLS, or an old one, or trusts another, gets nothing")
    func others() async throws {
        try await Self.withTLS { plain in
            let request = HTTPClient.request("GET", "/health", headers: [:], body: [])
            let answer = try await plain.exchange([request]) { _ in true }
            #expect(answer.firstRange(of: Array("200".utf8)) == nil)
            var old = plain
            old.tls = try Self.context { $0.maximumTLSVersion = .tlsv11 }
            await #expect(throws: (any Error).self) { try await old.get("/health") }
            var careful = plain
            careful.tls = try Self.context { $0.trustRoots = .default }
            await #expect(throws: (any Error).self) { try await careful.get("/health") }
            var client = plain
            client.tls = try Self.context()
            #expect(try await client.get("/health").status == 200)
        }
    }

    @Test("Connections that say nothing, or never end their handshake, are closed")
    func silent() async throws {
        let impatient: @Sendable (inout APILimits) -> Void = { $0.idleTime = .milliseconds(300) }
        try await Self.withTLS(limits: impatient) { plain in
            _ = try await plain.exchange([]) { _ in true }
            // The head of a handshake's record, and no more.
            _ = try await plain.exchange([[0x16, 0x03, 0x01, 0x02, 0x00]]) { _ in true }
            var client = plain
            client.tls = try Self.context()
            try await expectAlive(client)
        }
    }

    @Test(
        "Files that are no certificate and key, or that others may read, are refused",
        arguments: [
            ("localhost.crt", "localhost.key", 0o644), ("localhost.crt", "other.key", 0o600),
            ("localhost.crt", "localhost.crt", 0o600), ("localhost.key", "localhost.key", 0o600),
            ("nothing", "localhost.key", 0o600),
        ]
    )
    func badFiles(certificate: String, key: String, mode: Int) async throws {
        let secret = try Self.secret(key, mode: mode)
        var setup = InProcessCluster.Setup(modelPath: WholeModel.demoPath, workerCount: 1)
        setup.settings["coordinator.tls-certificate"] = Self.fixture(certificate)
        setup.settings["coordinator.tls-key"] = secret.path
        try await InProcessCluster.prepare(setup) { cluster in
            let service = APIService(
                settings: try cluster.coordinatorSettings(),
                logger: InProcessCluster.logger("coordinator")
            )
            let error = await #expect(throws: APIServiceError.self) { try await service.run() }
            guard case .tls = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }
}
