import ClusterTesting
import Foundation
import FoundationNetworking
import Messaging
import Testing
import Wire

/// HTTP as processes serve it: found by its file, refused where it is not safe, gone with them.
@Suite("HTTP of processes", .serialized, .timeLimit(.minutes(10)))
struct ServeHTTPTests {
    private static func get(_ address: String) async throws -> (status: Int, text: String) {
        let url = try #require(URL(string: address))
        let (data, response) = try await URLSession.shared.data(from: url)
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        return (status, String(decoding: data, as: UTF8.self))
    }

    private static func coordinator(
        _ directory: TemporaryFile,
        http: String,
        environment: [String: String] = [:]
    ) throws -> ClusterProcess {
        try ClusterProcess(
            "moiety-coordinator",
            [
                "--model", WholeModel.demoPath, "--workers", "1", "--http-endpoint", http,
                "--worker-endpoint", "ipc://\(directory.path)-workers",
                "--client-endpoint", "ipc://\(directory.path)-clients",
                "--state-directory", directory.path,
            ],
            environment: environment
        )
    }

    @Test("moiety serve --port serves HTTP, says where, and ends with its streams")
    func served() async throws {
        let directory = try TemporaryFile("served")
        let process = try ClusterProcess(
            "moiety",
            [
                "serve", "-m", WholeModel.demoPath, "--workers", "1", "--port", "0",
                "--state", directory.path,
                "--worker-endpoint", "ipc://\(directory.path)-workers",
                "--client-endpoint", "ipc://\(directory.path)-clients",
            ]
        )
        try await TestClient(endpoint: "ipc://\(directory.path)-clients").status { $0.isReady }
        let address = try String(contentsOfFile: "\(directory.path)/http-endpoint", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(address.hasPrefix("http://127.0.0.1:"))
        #expect(process.logText.contains("serves HTTP at \(address)"), "\(process.logText)")
        #expect(try await Self.get("\(address)/health").status == 200)
        #expect(try await Self.get("\(address)/readyz").status == 200)
        let metrics = try await Self.get("\(address)/metrics")
        #expect(metrics.text.contains("moiety_ready{model_name=\"Moiety demo 40M\"} 1\n"))
        // The page's events end with the process only.
        let events = Task { try await Self.get("\(address)/events") }
        process.kill(SIGTERM)
        #expect(await process.ended() == 0, "\(process.logText)")
        #expect(!process.logText.contains("did not stop"), "\(process.logText)")
        // Not cancelled: Foundation may crash where what is cancelled has just ended.
        _ = await events.result
        #expect(!FileManager.default.fileExists(atPath: "\(directory.path)/http-endpoint"))
    }

    @Test("moiety serve hands on where to listen, API keys and a chat template")
    func servedWithKeys() async throws {
        let directory = try TemporaryFile("keyed")
        let (keys, template) = (try TemporaryFile("keys"), try TemporaryFile("template"))
        defer { withExtendedLifetime((keys, template)) {} }
        let attributes = [FileAttributeKey.posixPermissions: 0o600]
        #expect(
            FileManager.default.createFile(
                atPath: keys.path,
                contents: Data("me me-0123456789abcdef\n".utf8),
                attributes: attributes
            )
        )
        try Data("{{ messages[0].content }}!".utf8).write(to: URL(filePath: template.path))
        let process = try ClusterProcess(
            "moiety",
            [
                "serve", "-m", WholeModel.demoPath, "--workers", "1", "--host", "127.0.0.1",
                "--port", "0", "--api-keys", keys.path, "--chat-template", template.path,
                "--state", directory.path,
                "--worker-endpoint", "ipc://\(directory.path)-workers",
                "--client-endpoint", "ipc://\(directory.path)-clients",
            ]
        )
        try await TestClient(endpoint: "ipc://\(directory.path)-clients").status { $0.isReady }
        let address = try String(contentsOfFile: "\(directory.path)/http-endpoint", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(try await Self.get("\(address)/health").status == 200)
        #expect(try await Self.get("\(address)/v1/models").status == 401)
        var ask = URLRequest(url: try #require(URL(string: "\(address)/apply-template")))
        ask.httpMethod = "POST"
        ask.setValue("Bearer me-0123456789abcdef", forHTTPHeaderField: "Authorization")
        ask.httpBody = Data(#"{"messages": [{"role": "user", "content": "hi"}]}"#.utf8)
        let (answer, _) = try await URLSession.shared.data(for: ask)
        #expect(String(decoding: answer, as: UTF8.self) == "{\"prompt\":\"hi!\"}\n")
        process.kill(SIGTERM)
        #expect(await process.ended() == 0, "\(process.logText)")
    }

    @Test("An address that is taken ends the coordinator with 69")
    func taken() async throws {
        let context = try MessagingContext()
        let other = try Socket(.router, in: context)
        let taken = try other.bind(Endpoint("tcp://127.0.0.1:0"))
        let directory = try TemporaryFile("taken")
        let process = try Self.coordinator(directory, http: "\(taken)")
        #expect(await process.ended() == 69)
        #expect(process.logText.contains("cannot serve HTTP at \(taken)"), "\(process.logText)")
    }

    @Test("Other machines are let in with keys only")
    func keys() async throws {
        let directory = try TemporaryFile("keys")
        let open = try Self.coordinator(directory, http: "tcp://0.0.0.0:0")
        #expect(await open.ended() == 78)
        #expect(open.logText.contains("coordinator.api-keys"), "\(open.logText)")
        let keys = try TemporaryFile("keys")
        try Data("me 0123456789abcdef\n".utf8).write(to: URL(filePath: keys.path))
        let environment = ["MOIETY_COORDINATOR_API_KEYS": keys.path]
        let readable = try Self.coordinator(
            directory,
            http: "tcp://0.0.0.0:0",
            environment: environment
        )
        #expect(await readable.ended() == 78)
        #expect(readable.logText.contains("chmod 600"), "\(readable.logText)")
    }

    @Test("Logs that say everything say nothing of keys, prompts and answers")
    func secrets() async throws {
        let directory = try TemporaryFile("secrets")
        let key = "0123456789abcdef-secret"
        let keys = try TemporaryFile("keys")
        try Data("me \(key)\n".utf8).write(to: URL(filePath: keys.path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: keys.path)
        let process = try ClusterProcess(
            "moiety",
            [
                "serve", "-m", WholeModel.demoPath, "--workers", "1", "--port", "0",
                "--state", directory.path,
                "--worker-endpoint", "ipc://\(directory.path)-workers",
                "--client-endpoint", "ipc://\(directory.path)-clients",
            ],
            environment: [
                "MOIETY_COORDINATOR_API_KEYS": keys.path,
                "MOIETY_COORDINATOR_LOG_LEVEL": "trace", "MOIETY_WORKER_LOG_LEVEL": "trace",
            ]
        )
        try await TestClient(endpoint: "ipc://\(directory.path)-clients").status { $0.isReady }
        let address = try String(contentsOfFile: "\(directory.path)/http-endpoint", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        var request = URLRequest(
            url: try #require(URL(string: "\(address)/v1/completions?key=\(key)"))
        )
        request.httpMethod = "POST"
        request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization")
        request.httpBody = Data(
            #"{"prompt": "xylophone music", "max_tokens": 24, "temperature": 0}"#.utf8
        )
        let (data, _) = try await URLSession.shared.data(for: request)
        let object = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        let choices = object?["choices"] as? [[String: Any]]
        let answer = try #require(choices?.first?["text"] as? String)
        #expect(answer.count > 8)
        process.kill(SIGTERM)
        #expect(await process.ended() == 0)
        for secret in [key, "xylophone", answer] {
            #expect(!process.logText.contains(secret), "\(secret)")
        }
        #expect(process.logText.contains("serves HTTP"))
    }
}
