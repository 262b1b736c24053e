import API
import ClusterTesting
import Foundation
import JSON
import Testing

@Suite("Answers of a JSON schema", .serialized, .timeLimit(.minutes(10)))
struct SchemaTests {
    private static func format(_ schema: JSONValue) -> JSONValue {
        [
            "type": "json_schema",
            "json_schema": ["name": "answer", "strict": true, "schema": schema],
        ]
    }

    private static func ask(_ format: JSONValue, _ more: [JSONValue.Member] = []) -> JSONValue {
        let members: [JSONValue.Member] = [
            .init("prompt", "json.dumps("), .init("response_format", format),
        ]
        return .object(members + more)
    }

    private static func closingBrace(_ client: HTTPClient) async throws -> Int {
        let reply = try await client.post("/tokenize", ["content": "}"]).json
        return reply["tokens"]?.elements?.last?.whole ?? 0
    }

    /// As pydantic writes them.
    private static let review: JSONValue = [
        "$defs": [
            "Mood": ["enum": ["good", "bad", "so so"], "title": "Mood", "type": "string"],
            "Point": [
                "properties": ["x": ["type": "integer"], "y": ["type": "integer"]],
                "required": ["x", "y"], "type": "object", "additionalProperties": false,
            ],
        ],
        "title": "Review", "type": "object", "additionalProperties": false,
        "properties": [
            "mood": ["$ref": "#/$defs/Mood", "description": "How it was."],
            "at": ["$ref": "#/$defs/Point"],
            "note": ["anyOf": [["const": "none"], ["type": "null"]], "default": nil],
            "sure": ["type": ["boolean", "null"]],
            "moods": ["type": "array", "items": ["$ref": "#/$defs/Mood"], "maxItems": 1],
        ],
        "required": ["mood", "at", "note", "sure", "moods"],
    ]

    @Test("An answer has the properties of its schema, and ends with them")
    func answers() async throws {
        try await withServer { client, _ in
            let brace = try await Self.closingBrace(client)
            for seed in 0..<6 {
                let more: [JSONValue.Member] = [
                    .init("seed", .integer(seed)), .init("temperature", 1),
                    .init("max_tokens", 300), .init("logit_bias", .object([.init("\(brace)", 20)])),
                ]
                let body = Self.ask(Self.format(Self.review), more)
                let choice = try await client.post("/v1/completions", body).json["choices"]?[0]
                let text = try #require(choice?["text"]?.text)
                guard choice?["finish_reason"] == "stop" else {
                    // Numbers may be long.
                    #expect(choice?["finish_reason"] == "length")
                    continue
                }
                let value = try JSONValue(parsing: Array(text.utf8))
                guard case .object(let members) = value else {
                    Issue.record("\(text)")
                    continue
                }
                #expect(members.map(\.key) == ["mood", "at", "note", "sure", "moods"])
                #expect(["good", "bad", "so so"].contains(value["mood"]?.text))
                #expect(value["at"]?["x"] != nil && value["at"]?["y"] != nil)
                #expect(value["note"] == .null || value["note"] == "none")
                #expect((value["moods"]?.elements?.count ?? 9) <= 1)
            }
        }
    }

    @Test("What answers cannot be held to is refused with its name and place")
    func refusals() async throws {
        func property(_ schema: JSONValue) -> JSONValue {
            ["type": "object", "properties": ["a": schema]]
        }
        let cycle: JSONValue = [
            "$ref": "#/$defs/A",
            "$defs": ["A": ["type": "object", "properties": ["a": ["$ref": "#/$defs/A"]]]],
        ]
        var bomb: [JSONValue.Member] = [.init("D0", ["type": "string"])]
        for level in 1...16 {
            let part: JSONValue = ["$ref": .string("#/$defs/D\(level - 1)")]
            let twice: JSONValue = ["type": "object", "properties": ["a": part, "b": part]]
            bomb.append(.init("D\(level)", twice))
        }
        let many = (0..<64).map { JSONValue.Member("p\($0)", ["type": "null"]) }
        let wrong: [(JSONValue, String)] = [
            (["type": "string"], "must be an object"), (false, "an object or true"),
            (property(["type": "string", "pattern": "(a+)+$"]), "schema.properties.a: "),
            (property(["type": "string", "pattern": "(a+)+$"]), "'pattern'"),
            (property(["type": "integer", "minimum": 1]), "'minimum'"),
            (property(["type": "string", "properties": [:]]), "'properties'"),
            (property(["type": "array", "maxItems": -1]), "'maxItems'"),
            (property(["type": "array", "maxItems": .number(1e18)]), "'maxItems'"),
            (property(["type": "array", "minItems": 2, "maxItems": 1]), "no count"),
            (property(["type": "array", "prefixItems": []]), "'prefixItems'"),
            (property(["type": "banana"]), "'type'"),
            (property(["type": []]), "nothing is allowed"),
            (property(["enum": []]), "no value is allowed"),
            (property(["enum": [[1]]]), "texts, numbers"),
            (property(["enum": ["a"], "type": "integer"]), "no value is allowed"),
            (property(["anyOf": [["type": "string"], ["const": "a"]]]), "first character"),
            (property(["$ref": "#/$defs/none"]), "points to nothing"),
            (property(["$ref": "https://example.org/a.json"]), "into the schema"),
            (property(["$ref": "#"]), "back to itself"), (cycle, "back to itself"),
            (["$ref": "#/$defs/D16", "$defs": .object(bomb)], "more than 4096 parts"),
            (["type": "object", "properties": .object(many)], "63 properties may be left out"),
            (["type": "object", "additionalProperties": ["type": "null"]], "true or false"),
            (["additionalProperties": false, "type": "object", "required": ["a"]], "no property"),
            (property(["not": [:]]), "'not'"), (["allOf": []], "'allOf'"),
        ]
        try await withServer { client, _ in
            for (schema, reason) in wrong {
                let reply = try await client.post(
                    "/v1/completions",
                    Self.ask(Self.format(schema))
                )
                #expect(reply.status == 400, "\(schema): \(reply.text)")
                #expect(try reply.error?["param"] == "response_format")
                let message = try reply.error?["message"]?.text ?? ""
                #expect(message.contains(reason), "\(message)")
            }
            let missing: JSONValue = ["type": "json_schema", "json_schema": ["name": "a"]]
            let reply = try await client.post("/v1/completions", Self.ask(missing))
            #expect(try reply.error?["param"] == "response_format.json_schema.schema")
            #expect(try await client.get("/health").status == 200)
        }
    }

    @Test("Where one of several tools must be called, the answer names it and its arguments")
    func requiredTool() async throws {
        let file = try TemporaryFile("template")
        defer { withExtendedLifetime(file) {} }
        let template = """
            {% for message in messages %}<{{ message.role }}>{{ message.content }}
            {% for call in message.tool_calls or [] %}<tool_call>{{ call | tojson }}{% endfor %}
            {% endfor %}{% if tools %}{{ tools | tojson }}{% endif %}<assistant>
            """
        try Data(template.utf8).write(to: URL(filePath: file.path))
        try await withServer(settings: ["coordinator.chat-template": file.path]) { client, _ in
            let brace = try await Self.closingBrace(client)
            let tools: [JSONValue] = ["date", "weather"].map {
                ["type": "function", "function": ["name": $0]]
            }
            let body: [JSONValue.Member] = [
                .init("messages", [["role": "user", "content": "When?"]]),
                .init("tools", .array(tools)), .init("tool_choice", "required"),
                .init("temperature", 0), .init("max_tokens", 300),
                .init("logit_bias", .object([.init("\(brace)", 30)])),
            ]
            let answer = try await client.post("/v1/chat/completions", .object(body)).json
            let choice = try #require(answer["choices"]?[0], "\(answer)")
            #expect(choice["finish_reason"] == "tool_calls", "\(choice)")
            #expect(choice["message"]?["content"] == .null)
            let call = choice["message"]?["tool_calls"]?[0]?["function"]
            #expect(["date", "weather"].contains(call?["name"]?.text))
            let arguments = try JSONValue(parsing: Array((call?["arguments"]?.text ?? "").utf8))
            #expect(arguments.kind == "an object")
            // An answer that is cut off is no call, and is not lost.
            let short = body.filter { $0.key != "max_tokens" } + [.init("max_tokens", 2)]
            let cut = try await client.post("/v1/chat/completions", .object(short)).json
            #expect(cut["choices"]?[0]?["finish_reason"] == "length")
            #expect(cut["choices"]?[0]?["message"]?["tool_calls"] == nil)
            #expect(cut["choices"]?[0]?["message"]?["content"]?.text?.isEmpty == false)
        }
    }
}
