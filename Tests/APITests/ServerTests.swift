import API
import ClusterTesting
import JSON
import Testing

@Suite("The HTTP server", .serialized, .timeLimit(.minutes(10)))
struct ServerTests {
    @Test("It says that it lives, and that jobs would be computed")
    func health() async throws {
        try await withServer { client, _ in
            let health = try await client.get("/health")
            #expect(health.status == 200)
            #expect(try health.json == ["status": "ok"])
            #expect(health.headers["content-type"] == "application/json")
            #expect(try await client.get("/readyz").status == 200)
        }
    }

    @Test("It lives without workers, and is not ready")
    func unready() async throws {
        try await withServer(workersPresent: 0, whenReady: false) {
            client,
            _ in
            #expect(try await client.get("/health").status == 200)
            let reply = try await client.get("/readyz")
            #expect(reply.status == 503)
            #expect(reply.headers["retry-after"] == "1")
            #expect(try reply.error?["type"] == "unavailable_error")
        }
    }

    @Test("What is not there, or not so, is said in OpenAI's form")
    func errors() async throws {
        try await withServer(whenReady: false) { client, _ in
            let unknown = try await client.get("/v1/nothing")
            #expect(unknown.status == 404)
            #expect(try unknown.error?["message"]?.text?.contains("/v1/nothing") == true)
            let method = try await client.post("/health", [:])
            #expect(method.status == 405)
            #expect(method.headers["allow"] == "GET")
        }
    }
}
