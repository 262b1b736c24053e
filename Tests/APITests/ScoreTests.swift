import API
import ClusterTesting
import Foundation
import JSON
import Testing

@Suite("What completions say of tokens, and are told", .serialized, .timeLimit(.minutes(10)))
struct ScoreTests {
    private static let prompt: JSONValue = "NAME\n       ls - "

    private static func ask(_ more: [String: JSONValue]) -> JSONValue {
        var members: [String: JSONValue] = ["prompt": prompt, "temperature": 0, "max_tokens": 8]
        members.merge(more) { $1 }
        return .object(members.map { JSONValue.Member($0.key, $0.value) })
    }

    private static func choice(
        _ client: HTTPClient,
        _ more: [String: JSONValue]
    ) async throws -> JSONValue {
        let reply = try await client.post("/v1/completions", ask(more))
        return try #require(try reply.json["choices"]?[0], "\(reply.text)")
    }

    @Test("Scores come with each token, and change none")
    func scores() async throws {
        try await withServer { client, _ in
            let plain = try await Self.choice(client, [:])
            let choice = try await Self.choice(client, ["logprobs": 2])
            #expect(plain["text"] == choice["text"])
            #expect(plain["logprobs"] == .null)
            let scores = try #require(choice["logprobs"])
            let tokens = scores["tokens"]?.elements?.compactMap(\.text) ?? []
            #expect(.string(tokens.joined()) == choice["text"])
            let chosen = scores["token_logprobs"]?.elements?.compactMap(\.double) ?? []
            #expect(chosen.count == 8 && chosen.allSatisfy { $0 <= 0 })
            for (index, token) in tokens.enumerated() {
                guard case .object(let likeliest)? = scores["top_logprobs"]?[index] else {
                    Issue.record("\(scores)")
                    return
                }
                #expect(likeliest.count == 2 && likeliest.first?.key == token)
                #expect(likeliest.first?.value.double == chosen[index])
            }
            var offset = 0
            for (token, place) in zip(tokens, scores["text_offset"]?.elements ?? []) {
                #expect(place == .integer(offset))
                offset += token.unicodeScalars.count
            }
        }
    }

    @Test("Streamed scores are those of the whole answer, of each choice")
    func streamed() async throws {
        try await withServer { client, _ in
            let fields: [String: JSONValue] = ["logprobs": 1, "n": 2, "temperature": 1, "seed": 5]
            let reply = try await client.post("/v1/completions", Self.ask(fields))
            let events = try await client.stream(
                "/v1/completions",
                Self.ask(fields.merging(["stream": true]) { $1 })
            )
            let pieces = try events.dropLast().compactMap { event in
                try JSONValue(parsing: Array(event.utf8))["choices"]?[0]
            }
            for choice in try reply.json["choices"]?.elements ?? [] {
                let mine = pieces.filter { $0["index"] == choice["index"] }
                for key in ["tokens", "token_logprobs", "top_logprobs", "text_offset"] {
                    let streamed = mine.flatMap { $0["logprobs"]?[key]?.elements ?? [] }
                    #expect(.array(streamed) == choice["logprobs"]?[key], "\(key)")
                }
            }
        }
    }

    @Test("So many scores that they would fill memory are refused unless they are streamed")
    func tooMany() async throws {
        try await withServer { client, _ in
            let many: [String: JSONValue] = ["logprobs": 20, "n": 128, "max_tokens": 1000]
            let reply = try await client.post("/v1/completions", Self.ask(many))
            #expect(reply.status == 400)
            #expect(try reply.error?["param"] == "logprobs")
        }
    }

    @Test("A bias makes a token certain or impossible")
    func biases() async throws {
        try await withServer { client, _ in
            let tokens = try await client.post("/tokenize", ["content": "xyz"]).json["tokens"]
            let token = try #require(tokens?.elements?.last?.whole)
            let text =
                try await client.post("/detokenize", ["tokens": [.integer(token)]])
                .json["content"]?.text ?? ""
            let always = JSONValue.object([.init("\(token)", 100)])
            let repeated = try await Self.choice(client, ["logit_bias": always])
            #expect(repeated["text"] == .string(String(repeating: text, count: 8)))
            let likeliest = try await Self.choice(client, ["logprobs": 0])
            let first = try #require(likeliest["text"]?.text)
            let ids =
                try await client.post(
                    "/tokenize",
                    ["content": .string("NAME\n       ls - " + first)]
                ).json["tokens"]?.elements ?? []
            let never = JSONValue.object(
                Set(ids.compactMap(\.whole)).sorted().map { .init("\($0)", -100) }
            )
            let other = try await Self.choice(client, ["logit_bias": never])
            #expect(other["text"] != likeliest["text"])
        }
    }

    @Test("A token that stops ends the answer, but not before the least number")
    func stopTokens() async throws {
        try await withServer { client, _ in
            let tokens = try await client.post("/tokenize", ["content": "xyz"]).json["tokens"]
            let token = try #require(tokens?.elements?.last?.whole)
            let fields: [String: JSONValue] = [
                "logit_bias": .object([.init("\(token)", 100)]),
                "stop_token_ids": [.integer(token)],
            ]
            let stopped = try await Self.choice(client, fields)
            #expect(stopped["text"] == "" && stopped["finish_reason"] == "stop")
            let later = try await client.post(
                "/v1/completions",
                Self.ask(fields.merging(["min_tokens": 4]) { $1 })
            ).json
            #expect(later["choices"]?[0]?["finish_reason"] == "stop")
            #expect(later["usage"]?["completion_tokens"] == 5)
        }
    }

    @Test("A presence penalty keeps an answer from saying the same for ever")
    func penalties() async throws {
        try await withServer { client, _ in
            let tokens = try await client.post("/tokenize", ["content": "xyz"]).json["tokens"]
            let token = try #require(tokens?.elements?.last?.whole)
            let bias = JSONValue.object([.init("\(token)", 20)])
            func repeats(_ more: [String: JSONValue]) async throws -> Int {
                let fields: [String: JSONValue] = ["logit_bias": bias, "logprobs": 0]
                let choice = try await Self.choice(client, fields.merging(more) { $1 })
                let tokens = choice["logprobs"]?["tokens"]?.elements ?? []
                return tokens.count - Set(tokens.compactMap(\.text)).count
            }
            let free = try await repeats([:])
            let frequency = try await repeats(["frequency_penalty": 2, "repetition_penalty": 50])
            #expect(frequency < free)
        }
    }

    @Test("An answer that must be a JSON object is one, or the beginning of one")
    func object() async throws {
        try await withServer { client, _ in
            let brace =
                try await client.post("/tokenize", ["content": "}"]).json["tokens"]?
                .elements?.last?.whole ?? 0
            for seed in 0..<4 {
                let choice = try await Self.choice(
                    client,
                    [
                        "response_format": ["type": "json_object"], "max_tokens": 100,
                        "temperature": 1, "seed": .integer(seed),
                        "logit_bias": .object([.init("\(brace)", 4)]),
                    ]
                )
                let text = try #require(choice["text"]?.text)
                #expect(text.drop { $0.isWhitespace }.hasPrefix("{"), "\(text)")
                guard choice["finish_reason"] == "stop" else { continue }
                let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
                #expect(object is [String: Any], "\(text)")
            }
        }
    }
}
