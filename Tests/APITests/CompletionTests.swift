import API
import ClusterTesting
import Foundation
import JSON
import Synchronization
import Testing
import Wire

@Suite("/v1/completions", .serialized, .timeLimit(.minutes(10)))
struct CompletionTests {
    static let prompt = "NAME\n       ls - "

    /// Fills the context.
    private static let endless: [String: JSONValue] = ["max_tokens": 100_000, "ignore_eos": true]

    private static func ask(_ more: [String: JSONValue] = [:]) -> JSONValue {
        var members: [String: JSONValue] = [
            "model": .string(modelName), "prompt": .string(prompt), "temperature": 0,
            "max_tokens": 8,
        ]
        members.merge(more) { $1 }
        return .object(members.map { JSONValue.Member($0.key, $0.value) })
    }

    /// What a client of the other kind gets for the same.
    private static func expected(
        _ cluster: InProcessCluster,
        count: Int = 8
    ) async throws -> (text: String, tokens: [Int32]) {
        let text = Mutex("")
        let ended = try await TestClient(cluster).generate(prompt, maximumTokens: count) { tokens in
            text.withLock { $0 += tokens.text }
        }
        return (text.withLock { $0 }, ended.tokens)
    }

    @Test("An answer is the one that other clients get, with what it used")
    func whole() async throws {
        try await withServer { client, cluster in
            let expected = try await Self.expected(cluster)
            let reply = try await client.post("/v1/completions", Self.ask())
            #expect(reply.status == 200, "\(reply.text)")
            let answer = try reply.json
            #expect(answer["object"] == "text_completion")
            #expect(answer["id"]?.text?.hasPrefix("cmpl-job-") == true)
            #expect(answer["model"] == .string(modelName))
            #expect(answer["system_fingerprint"]?.text?.hasPrefix("moiety-") == true)
            #expect((answer["created"]?.whole ?? 0) > 1_700_000_000)
            let choice = answer["choices"]?[0]
            #expect(choice?["text"] == .string(expected.text))
            #expect(choice?["index"] == 0)
            #expect(choice?["finish_reason"] == "length")
            let usage = answer["usage"]
            #expect(usage?["completion_tokens"] == 8)
            let prompt = usage?["prompt_tokens"]?.whole ?? 0
            #expect(prompt > 3)
            #expect(usage?["total_tokens"] == .integer(prompt + 8))
            #expect(usage?["prompt_tokens_details"]?["cached_tokens"] == 0)
            #expect(usage?["moiety"] == nil, "exact workers have nothing to say")
        }
    }

    @Test("A stream's pieces join to the same text, and it ends with what was used")
    func streamed() async throws {
        try await withServer { client, cluster in
            let expected = try await Self.expected(cluster)
            let body = Self.ask([
                "stream": true, "stream_options": ["include_usage": true],
                "return_progress": true,
            ])
            let events = try await client.stream("/v1/completions", body)
            #expect(events.last == "[DONE]")
            let pieces = try events.dropLast().map { try JSONValue(parsing: Array($0.utf8)) }
            let text = pieces.compactMap { $0["choices"]?[0]?["text"]?.text }.joined()
            #expect(text == expected.text)
            #expect(pieces.first?["prompt_progress"]?["processed"] != nil)
            #expect(pieces.last?["choices"] == [])
            #expect(pieces.last?["usage"]?["completion_tokens"] == 8)
            let finishes = pieces.compactMap { $0["choices"]?[0]?["finish_reason"]?.text }
            #expect(finishes == ["length"])
            #expect(Set(pieces.compactMap { $0["id"]?.text }).count == 1)
        }
    }

    @Test("Several prompts, as text or tokens, have n answers each, in order")
    func several() async throws {
        try await withServer { client, cluster in
            let expected = try await Self.expected(cluster)
            let tokens = try await client.post(
                "/tokenize",
                ["content": .string(Self.prompt), "add_special": true]
            )
            .json["tokens"]
            let body = Self.ask(["prompt": [tokens ?? .null, .string(Self.prompt)], "n": 2])
            let answer = try await client.post("/v1/completions", body).json
            let choices = answer["choices"]?.elements ?? []
            #expect(choices.map { $0["index"]?.whole } == [0, 1, 2, 3])
            #expect(choices.map { $0["text"]?.text } == Array(repeating: expected.text, count: 4))
            #expect(answer["usage"]?["completion_tokens"] == 32)
        }
    }

    @Test("A seed makes the same answer again, and each of n its own")
    func seeds() async throws {
        try await withServer { client, _ in
            let fields: [String: JSONValue] = ["temperature": 2, "top_k": 0, "seed": -7]
            let texts = try await client.post("/v1/completions", Self.ask(fields))
                .json["choices"]?.elements?.map { $0["text"] }
            let two =
                try await client.post(
                    "/v1/completions",
                    Self.ask(fields.merging(["n": 2]) { $1 })
                ).json["choices"]?.elements?.map { $0["text"] } ?? []
            #expect(two.count == 2)
            #expect(texts == [two.first ?? nil])
            #expect(two.first != two.last)
        }
    }

    @Test("An answer ends before a stop text")
    func stop() async throws {
        try await withServer { client, cluster in
            let expected = try await Self.expected(cluster, count: 24).text
            let stop = String(expected.dropFirst(2).prefix(2))
            let range = try #require(expected.firstRange(of: stop))
            let body = Self.ask(["stop": .string(stop), "max_tokens": 24])
            let choice = try await client.post("/v1/completions", body).json["choices"]?[0]
            #expect(choice?["text"] == .string(String(expected[..<range.lowerBound])))
            #expect(choice?["finish_reason"] == "stop")
        }
    }

    @Test("A field that is wrong, or that nothing is made of, is refused by name")
    func refusals() async throws {
        let wrong: [(String, JSONValue)] = [
            ("prompt", .null), ("prompt", []), ("prompt", 7), ("prompt", [[]]),
            ("prompt", [1, "a"]), ("prompt", [99_999_999_999]), ("prompt", [-1]),
            ("temperature", -1), ("temperature", .number(2.01)),
            ("temperature", "hot"), ("top_p", 2), ("top_k", -2), ("min_p", 7), ("n", 0),
            ("n", 129), ("n", .number(1.5)), ("max_tokens", 0), ("max_tokens", -1),
            ("max_tokens", .number(1e308)), ("max_tokens", "8"), ("seed", .number(1e30)),
            ("stop", 1), ("stop", ["a", 2]), ("stop", ""), ("presence_penalty", 3),
            ("frequency_penalty", -3), ("repetition_penalty", 0),
            ("stop", .array(Array(repeating: "ab", count: 17))),
            ("stop", .string(String(repeating: "a", count: 257))), ("n_probs", 1),
            ("stream", "yes"),
            ("stream_options", ["include_usage": true]), ("logprobs", 21), ("echo", true),
            ("logprobs", true), ("suffix", "x"), ("best_of", 2), ("cheese", 1), ("task", 1),
            ("logit_bias", 1), ("logit_bias", ["a": 1]), ("logit_bias", ["1": 101]),
            ("logit_bias", ["1": "a"]), ("logit_bias", ["-1": 1]),
            ("logit_bias", ["99999999": 1]), ("stop_token_ids", 1), ("stop_token_ids", ["a"]),
            ("stop_token_ids", [-1]), ("stop_token_ids", [99_999_999]), ("min_tokens", -1),
            ("ignore_eos", 1), ("response_format", "json"),
            ("response_format", ["type": "grammar"]), ("priority", 11), ("priority", -11),
            ("slo_ttft", 0), ("slo_tpot", "soon"),
        ]
        try await withServer { client, _ in
            for (field, value) in wrong {
                let reply = try await client.post("/v1/completions", Self.ask([field: value]))
                #expect(reply.status == 400, "\(field) \(value): \(reply.text)")
                #expect(try reply.error?["param"] == .string(field), "\(field) \(value)")
                #expect(try reply.error?["type"] == "invalid_request_error")
            }
            let neutral: [String: JSONValue] = [
                "echo": false, "logit_bias": [:], "logprobs": .null, "best_of": 1, "user": "me",
                "response_format": ["type": "text"], "stop": .null, "suffix": .null,
            ]
            let fine = try await client.post("/v1/completions", Self.ask(neutral))
            #expect(fine.status == 200, "\(fine.text)")
            let model = try await client.post("/v1/completions", Self.ask(["model": "gpt-9"]))
            #expect(model.status == 404)
            #expect(try model.error?["code"] == "model_not_found")
        }
    }

    @Test("A prompt that leaves no room is refused with the numbers")
    func tooLong() async throws {
        try await withServer(settings: ["coordinator.context-length": "16"]) { client, _ in
            let long = String(repeating: "word ", count: 100)
            let reply = try await client.post(
                "/v1/completions",
                Self.ask(["prompt": .string(long)])
            )
            #expect(reply.status == 400)
            #expect(try reply.error?["code"] == "context_length_exceeded")
            #expect(try reply.error?["message"]?.text?.contains("16") == true)
        }
    }

    @Test("Whoever leaves has cancelled the job, streaming or not")
    func leaving() async throws {
        try await withSlowServer { client, cluster in
            let long = Self.ask(Self.endless.merging(["stream": true, "n": 2]) { $1 })
            _ = try await client.stream("/v1/completions", long) { _ in false }
            let whole = HTTPClient.request(
                "POST",
                "/v1/completions",
                headers: [:],
                body: Self.ask(Self.endless).encoded
            )
            // A client that says no more, but waits, is one that leaves.
            async let left = client.exchange([whole], closing: true) { _ in true }
            let jobs = try await TestClient(cluster).jobs { jobs in
                jobs.count == 3 && jobs.allSatisfy { $0.state == .cancelled }
            }
            #expect(jobs.count == 3)
            _ = try await left
        }
    }

    @Test("A request of a lower number takes the place of one of a higher, which goes on after it")
    func priorities() async throws {
        try await withSlowServer(settings: ["coordinator.running-jobs": "1"]) { client, _ in
            let long = Self.endless.merging(["stream": true, "priority": 1]) { $1 }
            let piecesAtReply = Mutex<Int?>(nil)
            let pieces = Mutex(0)
            let started = Signal()
            async let stream = client.stream("/v1/completions", Self.ask(long)) { _ in
                started.fire()
                let count = pieces.withLock { count in
                    count += 1
                    return count
                }
                // It is read until it has gone on.
                return piecesAtReply.withLock { count <= ($0 ?? count) }
            }
            await started.wait()
            let reply = try await client.post("/v1/completions", Self.ask(["priority": -1]))
            #expect(reply.status == 200, "\(reply.text)")
            piecesAtReply.withLock { $0 = pieces.withLock { $0 } }
            let interrupted = Self.text(try await stream)
            let fields: [String: JSONValue] = ["max_tokens": 64, "ignore_eos": true]
            let whole = try await client.post("/v1/completions", Self.ask(fields)).json
            let undisturbed = whole["choices"]?[0]?["text"]?.text ?? ""
            #expect(undisturbed.hasPrefix(interrupted) || interrupted.hasPrefix(undisturbed))
            let metrics = try await client.get("/metrics").text
            let line = metrics.split(separator: "\n").first {
                $0.hasPrefix("moiety_num_preemptions_total")
            }
            #expect(line?.hasSuffix(" 1") == true, "\(metrics)")
        }
    }

    /// The text of a stream's pieces.
    private static func text(_ events: [String]) -> String {
        let pieces = events.compactMap { try? JSONValue(parsing: Array($0.utf8)) }
        return pieces.compactMap { $0["choices"]?[0]?["text"]?.text }.joined()
    }

    @Test("Jobs beyond the queue are refused until there is room")
    func queueFull() async throws {
        let settings = ["coordinator.queued-jobs": "0", "coordinator.running-jobs": "1"]
        try await withSlowServer(settings: settings) { client, _ in
            let long = Self.ask(Self.endless.merging(["stream": true]) { $1 })
            let answer = Mutex<HTTPClient.Reply?>(nil)
            let started = Signal()
            async let stream = client.stream("/v1/completions", long) { _ in
                started.fire()
                return answer.withLock { $0 == nil }
            }
            await started.wait()
            let reply = try await client.post("/v1/completions", Self.ask())
            #expect(reply.status == 503)
            #expect(reply.headers["retry-after"] == "1")
            #expect(try reply.error?["code"] == "queue_full")
            // Meanwhile everything else is answered.
            #expect(try await client.get("/health").status == 200)
            #expect(try await client.get("/readyz").status == 200)
            answer.withLock { $0 = reply }
            _ = try await stream
        }
    }
}
