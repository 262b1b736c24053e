import ClusterTesting
import JSON
import Testing
import Wire

/// Answers of workers that give accuracy for speed.
@Suite("Answers that are not exact say so", .serialized, .timeLimit(.minutes(10)))
struct LossyAnswerTests {
    private static let settings = ["coordinator.lossy": "true"]

    private static func ask(_ more: JSONValue = [:]) -> JSONValue {
        guard case .object(let members) = more else { return .null }
        return .object(
            [.init("prompt", "NAME"), .init("max_tokens", 4), .init("temperature", 0)] + members
        )
    }

    @Test("In what was used, whole and streamed, and among the metrics")
    func usage() async throws {
        try await withServer(
            settings: Self.settings,
            workersPresent: 0,
            whenReady: false
        ) { client, cluster in
            try await ScriptedWorker.lossy("worker-1", in: cluster).running {
                try await TestClient(cluster).status { $0.isReady }
                let reply = try await client.post("/v1/completions", Self.ask())
                #expect(reply.status == 200, "\(reply.text)")
                let usage = try reply.json["usage"]
                let prompt = try #require(usage?["prompt_tokens"]?.whole)
                let made = try #require(usage?["completion_tokens"]?.whole)
                // Two experts in each of six layers.
                let uses = 12 * (prompt + made - 1)
                #expect(usage?["moiety"]?["expert_uses"] == .integer(uses))
                #expect(usage?["moiety"]?["low_share"]?.double == 0.5)
                #expect(usage?["moiety"]?["skipped_share"]?.double == 0)

                let two = try await client.post("/v1/completions", Self.ask(["n": 2]))
                let both = try two.json["usage"]?["moiety"]
                #expect(both?["low_share"]?.double == 0.5)
                let stream: JSONValue = [
                    "stream": true, "stream_options": ["include_usage": true],
                ]
                let pieces = try await client.post("/v1/completions", Self.ask(stream))
                #expect(pieces.text.contains("\"low_share\":0.5"), "\(pieces.text)")
                try await Self.expectLastPieces(client)
                try await Self.waitForMetrics(client, atLeast: uses / 2)
                let request = HTTPClient.request("GET", "/events", headers: [:], body: [])
                let answer = try await client.exchange([request]) { !$0.contains(0x7d) }
                let event = try #require(HTTPClient.events(in: answer).first)
                let picture = try JSONValue(parsing: Array(event.utf8))
                #expect(picture["inexact"]?["low"]?.double == 0.5)
                #expect(picture["inexact"]?["skipped"]?.double == 0)
                #expect(picture["workers"]?[0]?["lossy"]?["mode"] == "resident")
            }
        }
    }

    /// A stream says of each choice how inexact it is, whether or not it says what was used.
    private static func expectLastPieces(_ client: HTTPClient) async throws {
        let events = try await client.stream(
            "/v1/completions",
            ask(["stream": true, "n": 2])
        )
        let pieces = try events.dropLast().map { try JSONValue(parsing: Array($0.utf8)) }
        for piece in pieces {
            #expect(piece["usage"] == nil)
            let isLast = piece["choices"]?[0]?["finish_reason"]?.text != nil
            #expect((piece["moiety"]?["low_share"]?.double == 0.5) == isLast)
            #expect((piece["moiety"]?["expert_uses"]?.whole ?? 0 > 0) == isLast)
        }
        #expect(pieces.count { $0["moiety"] != nil } == 2, "\(events)")
    }

    /// They are told a moment after a step.
    private static func waitForMetrics(_ client: HTTPClient, atLeast least: Int) async throws {
        let deadline = ContinuousClock.now + testPatience
        while ContinuousClock.now < deadline {
            let text = try await client.get("/metrics").text
            let line = text.split(separator: "\n").first {
                $0.hasPrefix("moiety_expert_uses_total") && $0.contains("precision=\"low\"")
            }
            let count = line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
            if count >= least { return }
        }
        Issue.record("no metric of uses in fewer bits")
    }

    @Test("Of exact workers there is nothing to say")
    func exact() async throws {
        try await withServer(settings: Self.settings) { client, _ in
            let reply = try await client.post("/v1/completions", Self.ask())
            #expect(reply.status == 200, "\(reply.text)")
            #expect(try reply.json["usage"]?["moiety"] == nil)
        }
    }
}
