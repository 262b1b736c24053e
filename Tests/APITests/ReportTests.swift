import API
import ClusterTesting
import Foundation
import JSON
import Synchronization
import Testing
import Wire

@Suite("What the server tells of itself", .serialized, .timeLimit(.minutes(10)))
struct ReportTests {
    /// The value of a metric's line, by its beginning.
    private static func value(_ line: String, in text: String) -> Double? {
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("moiety_\(line)") }
        return lines.last.flatMap { $0.split(separator: " ").last }.flatMap { Double($0) }
    }

    @Test("Metrics count what was done, once each")
    func metrics() async throws {
        try await withServer { client, cluster in
            let ask: JSONValue = ["prompt": "NAME\n", "max_tokens": 5, "temperature": 0]
            _ = try await client.post("/v1/completions", ask)
            // Other clients' jobs count, too.
            _ = try await TestClient(cluster).generate("NAME\n", maximumTokens: 3)
            _ = try await client.post("/v1/completions", ["prompt": [99_999_999]])
            let reply = try await client.get("/metrics")
            #expect(reply.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
            let model = "{model_name=\"Moiety demo 40M\""
            #expect(Self.value("generation_tokens_total\(model)", in: reply.text) == 8)
            let ended = "request_success_total\(model),finished_reason=\"length\""
            #expect(Self.value(ended, in: reply.text) == 2)
            #expect(Self.value("requests_refused_total\(model)", in: reply.text) == 1)
            let counts = [
                "time_to_first_token_seconds_count": 2.0, "inter_token_latency_seconds_count": 6,
                "e2e_request_latency_seconds_count": 2, "request_queue_time_seconds_count": 2,
                "num_requests_running": 0, "num_requests_waiting": 0, "ready": 1,
                "num_preemptions_total": 0, "prefix_cache_hits_total": 0,
                "requests_held_back_total": 0,
            ]
            for (name, count) in counts {
                #expect(Self.value("\(name)\(model)", in: reply.text) == count, "\(name)")
            }
            let bucket = "time_to_first_token_seconds_bucket\(model),le=\"+Inf\""
            #expect(Self.value(bucket, in: reply.text) == 2)
            let worker = "worker_up\(model),worker=\"worker-1\""
            #expect(Self.value(worker, in: reply.text) == 1)
            #expect(!reply.text.contains("NAME"))
        }
    }

    @Test("Whether jobs kept their objectives is counted")
    func objectives() async throws {
        try await withServer { client, cluster in
            var submit = Submit(tag: 1, prompt: "NAME\n", maximumTokens: 3)
            // Nothing takes a day, and nothing a nanosecond.
            let times: [Duration?] = [.seconds(86_400), .nanoseconds(1), nil]
            for (first, each) in zip(times, [times[1], times[0], nil]) {
                submit.objective = ServiceObjective(firstToken: first, eachToken: each)
                submit.sampling.ignoresEnd = true
                _ = try await TestClient(cluster).run(submit)
            }
            let same: JSONValue = [
                "prompt": "NAME\n", "max_tokens": 3, "ignore_eos": true,
                "slo_ttft": 86_400_000, "slo_tpot": .number(0.001),
            ]
            #expect(try await client.post("/v1/completions", same).status == 200)
            let text = try await client.get("/metrics").text
            for (objective, outcome, count) in [
                ("ttft", "kept", 2.0), ("ttft", "missed", 1), ("tpot", "kept", 1),
                ("tpot", "missed", 2),
            ] {
                let labels = "objective=\"\(objective)\",outcome=\"\(outcome)\""
                let line = "request_objectives_total{model_name=\"Moiety demo 40M\",\(labels)}"
                #expect(Self.value(line, in: text) == count, "\(labels)")
            }
        }
    }

    @Test("The dashboard asks for metrics that there are, and is JSON")
    func dashboard() throws {
        let top = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let dashboard = try Data(contentsOf: top.appending(path: "deploy/grafana/moiety.json"))
        let text = String(decoding: dashboard, as: UTF8.self)
        #expect(try JSONValue(parsing: Array(dashboard))["panels"]?.elements?.count ?? 0 > 10)
        let sources = top.appending(path: "Sources/API/Metrics")
        let code = try FileManager.default.contentsOfDirectory(atPath: sources.path).map { name in
            try String(contentsOf: sources.appending(path: name), encoding: .utf8)
        }.joined()
        let names = text.matches(of: /moiety_([a-z0-9_]+)/).map { $0.output.1 }
        #expect(names.count > 20)
        for name in Set(names) {
            let family = name.hasSuffix("_bucket") ? name.dropLast("_bucket".count) : name
            #expect(code.contains("\"\(family)\""), "moiety_\(name)")
        }
    }

    @Test("Slots say which are busy, without anybody's text")
    func slots() async throws {
        let settings = ["coordinator.running-jobs": "2"]
        try await withSlowServer(settings: settings) { client, cluster in
            let free = try await client.get("/slots").json.elements ?? []
            #expect(free.map { $0["is_processing"] } == [false, false])
            let long: JSONValue = [
                "prompt": "NAME\n", "max_tokens": 100_000, "ignore_eos": true, "n": 2,
                "stream": true, "task": "manual",
            ]
            let started = Signal()
            let isOver = Mutex(false)
            async let stream = client.stream("/v1/completions", long) { _ in
                started.fire()
                return !isOver.withLock { $0 }
            }
            await started.wait()
            try await TestClient(cluster).jobs { $0.allSatisfy { $0.state == .running } }
            let busy = try await client.get("/slots").json.elements ?? []
            #expect(busy.map { $0["is_processing"] } == [true, true])
            #expect(busy.allSatisfy { $0["task"] == "manual" })
            #expect(try await client.get("/slots?fail_on_no_slot=1").status == 503)
            isOver.withLock { $0 = true }
            _ = try await stream
        }
    }

    @Test("Models and properties name what is served")
    func models() async throws {
        try await withServer { client, _ in
            let list = try await client.get("/v1/models").json
            #expect(list["object"] == "list")
            #expect(list["data"]?[0]?["id"] == .string(modelName))
            #expect(try await client.get("/v1/models/\(modelName)").status == 200)
            let other = try await client.get("/v1/models/other")
            #expect(other.status == 404)
            let props = try await client.get("/props").json
            #expect(props["model_alias"] == .string(modelName))
            #expect(props["total_slots"] == 8)
        }
    }

    @Test("The OpenAPI document has every field that is read")
    func document() async throws {
        try await withServer(whenReady: false) { client, _ in
            let document = try await client.get("/openapi.json").json
            let fields = document["components"]?["schemas"]?["Completion"]?["properties"]
            guard case .object(let members) = fields else {
                return #expect(Bool(false), "no properties")
            }
            // Null counts as not given, so nothing is wrong with any of them.
            var nothing = members.map { JSONValue.Member($0.key, .null) }
            nothing.append(JSONValue.Member("cheese", .null))
            let reply = try await client.post("/v1/completions", .object(nothing))
            #expect([400, 503].contains(reply.status))
            #expect(members.count > 15)
        }
    }

    @Test("Tokens of a text are text again")
    func tokens() async throws {
        try await withServer { client, _ in
            let text = "NAME\n       ls - Liste, größer als 10 € 😀"
            let tokens =
                try await client.post("/tokenize", ["content": .string(text)])
                .json["tokens"] ?? .null
            let back = try await client.post("/detokenize", ["tokens": tokens]).json
            #expect(back["content"] == .string(text))
            for tokens in [[-1], [1_099_511_627_776], ["a"], .null] as [JSONValue] {
                let reply = try await client.post("/detokenize", ["tokens": tokens])
                #expect(reply.status == 400)
                #expect(try reply.error?["param"] == "tokens")
            }
        }
    }
}
