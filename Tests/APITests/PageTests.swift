import API
import Cluster
import ClusterTesting
import JSON
import Testing
import Wire

@Suite("The live page", .serialized, .timeLimit(.minutes(10)))
struct PageTests {
    @Test("Its files are served with a policy that lets in nothing of others and no inline script")
    func files() async throws {
        try await withServer(whenReady: false) { client, _ in
            for (path, type) in ["/": "html", "/page.css": "css", "/page.js": "javascript"] {
                let reply = try await client.get(path)
                #expect(reply.status == 200)
                #expect(reply.headers["content-type"]?.contains(type) == true)
                let policy = reply.headers["content-security-policy"] ?? ""
                #expect(policy.contains("default-src 'none'"))
                #expect(policy.contains("script-src 'self';"))
                #expect(!policy.contains("unsafe"))
                #expect(reply.headers["x-content-type-options"] == "nosniff")
            }
            let page = try await client.get("/").text
            // Markup alone: no code, no styles, nothing from elsewhere.
            for stranger in ["http:", "https:", "<style", " style=", " onclick=", "<script>"] {
                #expect(!page.contains(stranger), "\(stranger)")
            }
            let script = try await client.get("/page.js").text
            for danger in ["innerHTML", "eval(", "document.write", "insertAdjacentHTML"] {
                #expect(!script.contains(danger), "\(danger)")
            }
        }
    }

    @Test(
        "No answer lets pages of others read it, or sets a cookie, and nothing here changes plans"
    )
    func noDoorsForOthers() async throws {
        try await withServer(whenReady: false) { client, _ in
            let own = ["Origin": "http://localhost"]
            for path in ["/", "/health", "/v1/models", "/metrics", "/events-not", "/openapi.json"] {
                for method in ["GET", "OPTIONS", "POST"] {
                    let reply = try await client.send(method, path, headers: own)
                    let names = reply.headers.keys.filter {
                        $0.hasPrefix("access-control-") || $0 == "set-cookie"
                    }
                    #expect(names.isEmpty, "\(method) \(path): \(names)")
                    #expect(method != "OPTIONS" || reply.status >= 400, "\(path)")
                }
            }
            for path in ["/admin", "/admin/rebalance", "/v1/admin/drain", "/slots/0?action=erase"] {
                let reply = try await client.post(path, [:])
                #expect([404, 405].contains(reply.status), "\(path): \(reply.text)")
            }
        }
    }

    @Test("Its events tell workers, experts, jobs and what was generated")
    func events() async throws {
        try await withServer { client, _ in
            let ask: JSONValue = ["prompt": "NAME\n", "max_tokens": 5, "task": "manual"]
            _ = try await client.post("/v1/completions", ask)
            let request = HTTPClient.request("GET", "/events", headers: [:], body: [])
            let answer = try await client.exchange([request]) { !$0.contains(0x7d) }
            let event = try #require(HTTPClient.events(in: answer).first)
            let picture = try JSONValue(parsing: Array(event.utf8))
            #expect(picture["ready"] == true)
            #expect(picture["generated"] == 5)
            #expect(picture["workers"]?[0]?["name"] == "worker-1")
            #expect(picture["workers"]?[0]?["stored"] == .null)
            #expect(picture["workers"]?[0]?["lossy"] == .null && picture["inexact"] == .null)
            #expect(picture["heat"]?[0]?["cells"]?.elements?.count == 6)
            #expect(picture["heat"]?[0]?["cells"]?[0]?[0] == 32)
            #expect(picture["jobs"]?[0]?["task"] == "manual")
            #expect(picture["jobs"]?[0]?["state"] == "completed")
        }
    }

    @Test("What experts on disk cost a worker is in its events, and in the metrics")
    func stored() async throws {
        let budget = ["worker.memory": "1TB"]
        try await withServer(workerSettings: budget) { client, cluster in
            let ask: JSONValue = ["prompt": "NAME\n", "max_tokens": 5]
            _ = try await client.post("/v1/completions", ask)
            // A sign of life tells of guesses that were judged, for the layer after the last.
            let nodes = try await TestClient(cluster).nodes { nodes in
                nodes.contains { $0.supply.guesses[1] > 0 }
            }
            let counts = try #require(nodes.first).supply
            let request = HTTPClient.request("GET", "/events", headers: [:], body: [])
            let answer = try await client.exchange([request]) { !$0.contains(0x7d) }
            let event = try #require(HTTPClient.events(in: answer).first)
            let stored = try JSONValue(parsing: Array(event.utf8))["workers"]?[0]?["stored"]
            #expect(stored?["budget"] == 1_000_000_000_000)
            // There may have been another sign of life.
            #expect(stored?["uses"]?.whole ?? 0 >= Int(counts.storedUses))
            #expect(stored?["hits"]?.whole ?? .max <= stored?["uses"]?.whole ?? 0)
            #expect(stored?["read"]?.whole ?? 0 >= Int(counts.storedByteCount))
            #expect(stored?["stalled"]?.double ?? -1 >= 0)
            #expect(stored?["guesses"]?.whole ?? 0 >= Int(counts.guesses.wrappedSum()))
            #expect(stored?["right"]?.whole ?? .max <= stored?["guesses"]?.whole ?? 0)
            let text = try await client.get("/metrics").text
            let labels = "{model_name=\"Moiety demo 40M\",worker=\"worker-1\""
            #expect(text.contains("moiety_worker_memory_budget_bytes\(labels)} 1000000000000.0\n"))
            for distance in 0...1 {
                for outcome in ["right", "wrong"] {
                    let words = ",distance=\"\(distance)\",outcome=\"\(outcome)\"} "
                    #expect(text.contains("moiety_worker_guesses_total\(labels)\(words)"))
                }
            }
        }
    }

    @Test("Of a lossy worker both tell how it is lossy, and what was in memory by tier")
    func tiers() async throws {
        try await withServer(
            settings: ["coordinator.lossy": "true"],
            workerSettings: ["worker.memory": "1TB", "worker.lossy": "hobbit"]
        ) { client, cluster in
            let ask: JSONValue = ["prompt": "NAME\n", "max_tokens": 5]
            _ = try await client.post("/v1/completions", ask)
            try await TestClient(cluster).nodes { $0.contains { $0.supply.storedUses > 0 } }
            let request = HTTPClient.request("GET", "/events", headers: [:], body: [])
            let answer = try await client.exchange([request]) { !$0.contains(0x7d) }
            let event = try #require(HTTPClient.events(in: answer).first)
            let picture = try JSONValue(parsing: Array(event.utf8))
            let worker = picture["workers"]?[0]
            #expect(worker?["lossy"]?["mode"] == "hobbit")
            #expect(worker?["lossy"]?["tier"] == "q3")
            let tiers = worker?["stored"]?["tiers"]
            #expect(tiers?[0]?["tier"] == "high" && tiers?[1]?["tier"] == "low")
            #expect(tiers?[0]?["uses"]?.whole ?? 0 > 0)
            let uses = (0...1).map { tiers?[$0]?["uses"]?.whole ?? 0 }
            #expect(worker?["stored"]?["uses"]?.whole == uses[0] + uses[1])
            let text = try await client.get("/metrics").text
            let labels = "{model_name=\"Moiety demo 40M\",worker=\"worker-1\""
            for tier in ["high", "low"] {
                for name in ["uses", "hits"] {
                    let line = "moiety_worker_stored_\(name)_total\(labels),tier=\"\(tier)\"} "
                    #expect(text.contains(line), "\(text)")
                }
            }
            for reason in ["counts_unused", "counts_unwritten"] {
                #expect(text.contains(",reason=\"\(reason)\"} 0\n"), "\(text)")
            }
            let how = ",mode=\"hobbit\",low_tier=\"q3\"} 1\n"
            #expect(text.contains("moiety_worker_lossy\(labels)\(how)"), "\(text)")
        }
    }

    @Test("A page of somebody else can make no request here")
    func strangers() async throws {
        try await withServer(tcp: true) { client, _ in
            let evil = ["Origin": "https://evil.example"]
            #expect(try await client.get("/v1/models", headers: evil).status == 403)
            let renamed = try await client.get("/v1/models", host: "evil.example")
            #expect(renamed.status == 403)
            let ours = try await client.get("/v1/models", host: "localhost:6643")
            #expect(ours.status == 200)
            let own = ["Origin": "http://127.0.0.1:6643"]
            let page = try await client.get("/v1/models", headers: own, host: "127.0.0.1:6643")
            #expect(page.status == 200)
        }
    }
}
