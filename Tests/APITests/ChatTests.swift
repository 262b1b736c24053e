import API
import ClusterTesting
import Foundation
import JSON
import Testing
import Wire

@Suite("/v1/chat/completions", .serialized, .timeLimit(.minutes(10)))
struct ChatTests {
    /// As ChatML writes conversations, with tools in front.
    private static let template = #"""
        {%- if tools %}{{ (tools | tojson) + '\n' }}{% endif -%}
        {%- for message in messages -%}
        {%- if message.role not in ['system', 'user', 'assistant', 'tool'] -%}
        {{ raise_exception('no such role') }}
        {%- endif -%}
        {{ '<' + message.role + '>' + (message.content or '') }}
        {%- for call in message.tool_calls or [] -%}
        {{ '<tool_call>' + (call.function | tojson) + '</tool_call>' }}
        {%- endfor -%}
        {{ '\n' }}
        {%- endfor -%}
        {%- if add_generation_prompt -%}{{ '<assistant>' }}{%- endif -%}
        """#

    private static func named(_ name: String) -> JSONValue {
        ["type": "function", "function": ["name": .string(name)]]
    }

    private static func withChat<Result: Sendable>(
        body: @escaping @Sendable (HTTPClient, InProcessCluster) async throws -> Result
    ) async throws -> Result {
        let file = try TemporaryFile("template")
        defer { withExtendedLifetime(file) {} }
        try Data(template.utf8).write(to: URL(filePath: file.path))
        let settings = ["coordinator.chat-template": file.path]
        return try await withServer(settings: settings, body: body)
    }

    private static func ask(_ more: [String: JSONValue] = [:]) -> JSONValue {
        var members: [String: JSONValue] = [
            "model": .string(modelName), "temperature": 0, "max_completion_tokens": 8,
            "messages": [["role": "user", "content": "ls - "]],
        ]
        members.merge(more) { $1 }
        return .object(members.map { JSONValue.Member($0.key, $0.value) })
    }

    @Test("A conversation is answered as the text that the template makes of it")
    func whole() async throws {
        try await Self.withChat { client, _ in
            let reply = try await client.post("/v1/chat/completions", Self.ask())
            #expect(reply.status == 200, "\(reply.text)")
            let answer = try reply.json
            #expect(answer["object"] == "chat.completion")
            #expect(answer["id"]?.text?.hasPrefix("chatcmpl-job-") == true)
            let choice = answer["choices"]?[0]
            #expect(choice?["message"]?["role"] == "assistant")
            #expect(choice?["finish_reason"] == "length")
            #expect(answer["usage"]?["completion_tokens"] == 8)
            let text: JSONValue = [
                "prompt": "<user>ls - \n<assistant>", "temperature": 0, "max_tokens": 8,
            ]
            let same = try await client.post("/v1/completions", text).json["choices"]?[0]
            #expect(choice?["message"]?["content"] == same?["text"])
        }
    }

    @Test("A stream begins with the role and joins to the same text")
    func streamed() async throws {
        try await Self.withChat { client, _ in
            let whole = try await client.post("/v1/chat/completions", Self.ask()).json
            let events = try await client.stream(
                "/v1/chat/completions",
                Self.ask(["stream": true, "stream_options": ["include_usage": true]])
            )
            #expect(events.last == "[DONE]")
            let pieces = try events.dropLast().map { try JSONValue(parsing: Array($0.utf8)) }
            #expect(pieces.first?["choices"]?[0]?["delta"]?["role"] == "assistant")
            #expect(pieces.allSatisfy { $0["object"] == "chat.completion.chunk" })
            let text = pieces.compactMap { $0["choices"]?[0]?["delta"]?["content"]?.text }.joined()
            #expect(.string(text) == whole["choices"]?[0]?["message"]?["content"])
            #expect(pieces.last?["usage"]?["completion_tokens"] == 8)
            let finishes = pieces.compactMap { $0["choices"]?[0]?["finish_reason"]?.text }
            #expect(finishes == ["length"])
        }
    }

    @Test("The template can be asked for alone, with tools and what they were asked")
    func template() async throws {
        try await Self.withChat { client, _ in
            let call: JSONValue = [
                "id": "1", "type": "function",
                "function": ["name": "date", "arguments": "{\"zone\": \"UTC\"}"],
            ]
            let tool: JSONValue = ["type": "function", "function": ["name": "date"]]
            let conversation: JSONValue = [
                "messages": [
                    ["role": "developer", "content": "Be brief."],
                    ["role": "user", "content": [["type": "text", "text": "When?"]]],
                    ["role": "assistant", "content": nil, "tool_calls": [call]],
                    ["role": "tool", "content": "Now.", "tool_call_id": "1"],
                ],
                "tools": [tool],
            ]
            let reply = try await client.post("/apply-template", conversation)
            let prompt = try #require(try reply.json["prompt"]?.text, "\(reply.text)")
            #expect(prompt.contains("<system>Be brief.\n<user>When?\n"))
            #expect(prompt.contains("<tool_call>{\"name\": \"date\""))
            #expect(prompt.contains("<tool>Now.\n<assistant>"))
            #expect(prompt.hasPrefix("[{\"type\": \"function\""))
            let none: JSONValue = [
                "messages": [["role": "user", "content": "a"]], "tools": [tool],
                "tool_choice": "none",
            ]
            #expect(
                try await client.post("/apply-template", none).json["prompt"]
                    == "<user>a\n<assistant>"
            )
        }
    }

    @Test("A call that must be made is made, with an object of arguments")
    func forcedCall() async throws {
        try await Self.withChat { client, _ in
            let tools: JSONValue = [Self.named("date"), Self.named("weather")]
            // Helps a small model to come to an end.
            let brace =
                try await client.post("/tokenize", ["content": "}"]).json["tokens"]?
                .elements?.last?.whole ?? 0
            let more: [String: JSONValue] = [
                "tools": tools, "tool_choice": Self.named("weather"),
                "max_completion_tokens": 200,
                "logit_bias": .object([.init("\(brace)", 30)]),
            ]
            let answer = try await client.post("/v1/chat/completions", Self.ask(more)).json
            let choice = try #require(answer["choices"]?[0])
            #expect(choice["finish_reason"] == "stop")
            #expect(choice["message"]?["content"] == .null)
            let call = try #require(choice["message"]?["tool_calls"]?[0]?["function"])
            #expect(call["name"] == "weather")
            let arguments = try #require(call["arguments"]?.text)
            let object = try JSONSerialization.jsonObject(with: Data(arguments.utf8))
            #expect(object is [String: Any], "\(arguments)")
            // Where it is only said that there must be one, calling was the model's idea.
            let required: [String: JSONValue] = more.merging(
                ["tools": [Self.named("weather")], "tool_choice": "required"]
            ) { $1 }
            let events = try await client.stream(
                "/v1/chat/completions",
                Self.ask(required.merging(["stream": true]) { $1 })
            )
            let pieces = try events.dropLast().map { try JSONValue(parsing: Array($0.utf8)) }
            let calls = pieces.compactMap { $0["choices"]?[0]?["delta"]?["tool_calls"]?[0] }
            #expect(calls.map { $0["function"]?["name"] } == ["weather"])
            #expect(pieces.last?["choices"]?[0]?["finish_reason"] == "tool_calls")
            let prompt = try await client.post(
                "/apply-template",
                [
                    "messages": [["role": "user", "content": "a"]], "tools": tools,
                    "tool_choice": Self.named("date"),
                ]
            ).json["prompt"]?.text
            #expect(
                prompt?.hasSuffix("<assistant><tool_call>\n{\"name\": \"date\", \"arguments\":")
                    == true
            )
        }
    }

    @Test("An object cannot call tools, and says so")
    func objectWithTools() async throws {
        try await Self.withChat { client, _ in
            let both: [String: JSONValue] = [
                "tools": [Self.named("date")], "response_format": ["type": "json_object"],
            ]
            let reply = try await client.post("/v1/chat/completions", Self.ask(both))
            #expect(reply.status == 400)
            #expect(try reply.error?["param"] == "response_format")
            let none = both.merging(["tool_choice": "none"]) { $1 }
            let fine = try await client.post("/v1/chat/completions", Self.ask(none))
            #expect(fine.status == 200, "\(fine.text)")
        }
    }

    @Test("Each token's scores come with it, in chat's form")
    func scores() async throws {
        try await Self.withChat { client, _ in
            let more: [String: JSONValue] = ["logprobs": true, "top_logprobs": 2]
            let answer = try await client.post("/v1/chat/completions", Self.ask(more)).json
            let choice = try #require(answer["choices"]?[0])
            let tokens = try #require(choice["logprobs"]?["content"]?.elements)
            #expect(tokens.count == 8)
            let text = tokens.compactMap { $0["token"]?.text }.joined()
            #expect(.string(text) == choice["message"]?["content"])
            for token in tokens {
                #expect((token["logprob"]?.double ?? 1) <= 0)
                #expect(token["top_logprobs"]?.elements?.count == 2)
                // The likeliest is chosen here.
                #expect(token["top_logprobs"]?[0]?["logprob"] == token["logprob"])
                let bytes = token["bytes"]?.elements?.compactMap(\.whole).map { UInt8($0) } ?? []
                #expect(token["token"]?.text == String(decoding: bytes, as: UTF8.self))
            }
            let events = try await client.stream(
                "/v1/chat/completions",
                Self.ask(more.merging(["stream": true]) { $1 })
            )
            let pieces = try events.dropLast().map { try JSONValue(parsing: Array($0.utf8)) }
            let streamed = pieces.flatMap { piece in
                piece["choices"]?[0]?["logprobs"]?["content"]?.elements ?? []
            }
            #expect(streamed == tokens)
            let plain = try await client.post("/v1/chat/completions", Self.ask()).json
            #expect(plain["choices"]?[0]?["logprobs"] == .null)
        }
    }

    @Test("A conversation that is wrong is refused, with the place")
    func refusals() async throws {
        func user(_ content: JSONValue) -> JSONValue { [["role": "user", "content": content]] }
        let wrong: [(String, JSONValue, String)] = [
            ("messages", .null, "messages"), ("messages", [], "messages"),
            ("messages", "hi", "messages"), ("messages", ["hi"], "messages[0]"),
            ("messages", [[:]], "messages[0].role"),
            ("messages", [["role": "king", "content": "a"]], "messages[0].role"),
            ("messages", user(7), "messages[0].content"),
            ("messages", user([["type": "image_url"]]), "messages[0].content[0].type"),
            ("messages", user([["type": "text"]]), "messages[0].content[0].text"),
            ("messages", [["role": "user", "content": "a", "x": 1]], "messages[0].x"),
            ("tools", [7], "tools[0]"), ("tools", [["type": "magic"]], "tools[0].type"),
            ("tools", [["type": "function"]], "tools[0].function"),
            ("tool_choice", "required", "tool_choice"), ("tool_choice", "must", "tool_choice"),
            ("tool_choice", 7, "tool_choice"), ("tool_choice", Self.named("a"), "tool_choice"),
            ("tool_choice", ["type": "function", "function": [:]], "tool_choice.function.name"),
            ("logprobs", 3, "logprobs"), ("top_logprobs", 3, "top_logprobs"),
            ("prompt", "a", "prompt"), ("response_format", [:], "response_format.type"),
        ]
        try await Self.withChat { client, _ in
            for (field, value, place) in wrong {
                let reply = try await client.post("/v1/chat/completions", Self.ask([field: value]))
                #expect(reply.status == 400, "\(field) \(value): \(reply.text)")
                #expect(try reply.error?["param"] == .string(place))
            }
        }
    }

    @Test("A model without a template cannot chat, and says so")
    func noTemplate() async throws {
        try await withServer { client, _ in
            let reply = try await client.post("/v1/chat/completions", Self.ask())
            #expect(reply.status == 501)
            #expect(try reply.error?["type"] == "not_supported_error")
        }
    }
}
