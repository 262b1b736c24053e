import API
import ClusterTesting
import Foundation
import JSON
import Synchronization
import Testing
import Wire

@Suite("API keys", .serialized, .timeLimit(.minutes(10)))
struct KeyTests {
    private static let alice = "alice-0123456789abcdef"
    private static let bob = "bob-0123456789abcdefgh"

    private static func keyFile(_ text: String, mode: Int = 0o600) throws -> TemporaryFile {
        let file = try TemporaryFile("keys")
        let url = URL(filePath: file.path)
        try Data(text.utf8).write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
        return file
    }

    private static func bearer(_ key: String) -> [String: String] {
        ["Authorization": "Bearer \(key)"]
    }

    @Test("Without one of the keys nothing is told but that the server lives")
    func unauthorized() async throws {
        let file = try Self.keyFile("# who\nalice \(Self.alice)\n\(Self.bob)\n")
        try await withServer(settings: ["coordinator.api-keys": file.path]) { client, _ in
            for headers in [
                [:], Self.bearer("alice-0123456789abcdee"), Self.bearer(""),
                ["Authorization": "Basic \(Self.alice)"], Self.bearer("alice"),
            ] {
                let reply = try await client.get("/v1/models", headers: headers)
                #expect(reply.status == 401)
                #expect(try reply.error?["code"] == "invalid_api_key")
                #expect(reply.headers["www-authenticate"] == "Bearer")
                #expect(try await client.get("/metrics", headers: headers).status == 401)
            }
            for key in [Self.alice, Self.bob] {
                let reply = try await client.get("/v1/models", headers: Self.bearer(key))
                #expect(reply.status == 200)
            }
            #expect(try await client.get("/health").status == 200)
            #expect(try await client.get("/readyz").status == 200)
        }
        withExtendedLifetime(file) {}
    }

    @Test("A key that is struck counts no more, a new one at once; a slip changes nothing")
    func changes() async throws {
        let file = try Self.keyFile("alice \(Self.alice)\nbob \(Self.bob)\n")
        defer { withExtendedLifetime(file) {} }
        let path = file.path
        try await withServer(settings: ["coordinator.api-keys": path]) { client, _ in
            func status(_ key: String) async throws -> Int {
                try await client.get("/v1/models", headers: Self.bearer(key)).status
            }
            func write(_ text: String) throws {
                let handle = try FileHandle(forWritingTo: URL(filePath: path))
                try handle.truncate(atOffset: 0)
                try handle.write(contentsOf: Data(text.utf8))
                try handle.close()
            }
            #expect(try await status(Self.alice) == 200)
            try write("bob \(Self.bob)\n")
            #expect(try await status(Self.alice) == 401)
            #expect(try await status(Self.bob) == 200)
            try write("short\n")
            #expect(try await status(Self.alice) == 401)
            #expect(try await status(Self.bob) == 200)
            try write("carol \(Self.alice)x\n")
            #expect(try await status(Self.bob) == 401)
            #expect(try await status(Self.alice + "x") == 200)
        }
    }

    @Test("The beginning of a prompt that a key asked before is not computed again, for it alone")
    func cachedTokens() async throws {
        let file = try Self.keyFile("alice \(Self.alice)\nbob \(Self.bob)\n")
        try await withServer(settings: ["coordinator.api-keys": file.path]) { client, _ in
            let prompt = (0..<600).map { JSONValue.integer(5 + $0 * 7 % 1000) }
            let ask: JSONValue = ["prompt": .array(prompt), "max_tokens": 4, "temperature": 0]
            var cached: [JSONValue?] = []
            var texts: Set<String> = []
            for key in [Self.alice, Self.bob, Self.alice] {
                let answer = try await client.post(
                    "/v1/completions",
                    ask,
                    headers: Self.bearer(key)
                ).json
                cached.append(answer["usage"]?["prompt_tokens_details"]?["cached_tokens"])
                texts.insert(answer["choices"]?[0]?["text"]?.text ?? "none")
            }
            #expect(cached == [0, 0, 512])
            #expect(texts.count == 1 && texts.first != "none")
        }
        withExtendedLifetime(file) {}
    }

    @Test("A key has only so many jobs under way, and others are not kept from theirs")
    func limit() async throws {
        let file = try Self.keyFile("alice \(Self.alice)\nbob \(Self.bob)\n")
        let settings = ["coordinator.api-keys": file.path, "coordinator.api-key-jobs": "1"]
        try await withSlowServer(settings: settings) { client, cluster in
            let short: JSONValue = ["prompt": "a", "max_tokens": 1]
            let long: JSONValue = [
                "prompt": "a", "max_tokens": 100_000, "ignore_eos": true,
            ]
            let request = HTTPClient.request(
                "POST",
                "/v1/completions",
                headers: Self.bearer(Self.alice),
                body: long.encoded
            )
            let task = Task { try await client.exchange([request]) { _ in true } }
            try await TestClient(cluster).jobs { $0.contains { $0.state == .running } }
            let second = try await client.post(
                "/v1/completions",
                short,
                headers: Self.bearer(Self.alice)
            )
            #expect(second.status == 429)
            #expect(try second.error?["type"] == "rate_limit_error")
            #expect(second.headers["retry-after"] == "1")
            let other = try await client.post(
                "/v1/completions",
                short,
                headers: Self.bearer(Self.bob)
            )
            #expect(other.status == 200, "\(other.text)")
            task.cancel()
            try await TestClient(cluster).jobs { $0.contains { $0.state == .cancelled } }
        }
        withExtendedLifetime(file) {}
    }

    @Test(
        "A file of keys that others may read, or that has no good keys, is refused",
        arguments: [
            ("alice-0123456789abcdef\n", 0o644), ("", 0o600), ("# none\n", 0o600),
            ("short\n", 0o600), ("a b c0123456789abcdef\n", 0o600),
            ("x 0123456789abcdef\nx 0123456789abcdeg\n", 0o600),
        ]
    )
    func badFiles(text: String, mode: Int) async throws {
        let file = try Self.keyFile(text, mode: mode)
        var setup = InProcessCluster.Setup(modelPath: WholeModel.demoPath, workerCount: 1)
        setup.settings["coordinator.api-keys"] = file.path
        try await InProcessCluster.prepare(setup) { cluster in
            let service = APIService(
                settings: try cluster.coordinatorSettings(),
                logger: InProcessCluster.logger("coordinator")
            )
            await #expect(throws: APIServiceError.self) { try await service.run() }
        }
    }
}
