import API
import ClusterTesting
import Foundation
import JSON
import Testing

@Suite("Tools whose arguments are held to their schema", .serialized, .timeLimit(.minutes(10)))
struct StrictToolTests {
    /// As pydantic writes it.
    private static let place: JSONValue = [
        "type": "object", "title": "Place", "additionalProperties": false,
        "properties": [
            "city": ["enum": ["Rome", "Oslo"], "title": "City", "type": "string"],
            "sure": ["anyOf": [["type": "boolean"], ["type": "null"]], "title": "Sure"],
        ],
        "required": ["city", "sure"],
    ]

    private static func tool(
        _ name: String,
        _ parameters: JSONValue?,
        isStrict: JSONValue = true
    ) -> JSONValue {
        var function: [JSONValue.Member] = [
            .init("name", .string(name)), .init("strict", isStrict),
        ]
        if let parameters { function.append(.init("parameters", parameters)) }
        return ["type": "function", "function": .object(function)]
    }

    private static func withChat<Result: Sendable>(
        calls: String = "<tool_call>{{ call | tojson }}",
        body: @escaping @Sendable (HTTPClient) async throws -> Result
    ) async throws -> Result {
        let file = try TemporaryFile("template")
        defer { withExtendedLifetime(file) {} }
        let template = """
            {% for message in messages %}<{{ message.role }}>{{ message.content }}
            {% for call in message.tool_calls or [] %}\(calls){% endfor %}
            {% endfor %}{% if tools %}{{ tools | tojson }}{% endif %}<assistant>
            """
        try Data(template.utf8).write(to: URL(filePath: file.path))
        let settings = ["coordinator.chat-template": file.path]
        return try await withServer(settings: settings) { client, _ in try await body(client) }
    }

    private static func ask(_ tools: [JSONValue], _ more: [JSONValue.Member] = []) -> JSONValue {
        let members: [JSONValue.Member] = [
            .init("messages", [["role": "user", "content": "Where?"]]),
            .init("tools", .array(tools)), .init("max_tokens", 200),
        ]
        return .object(members + more)
    }

    private static func arguments(_ call: JSONValue?) throws -> JSONValue {
        try JSONValue(parsing: Array((call?["arguments"]?.text ?? "").utf8))
    }

    @Test("A call that must be made has the arguments that its tool's schema says")
    func named() async throws {
        try await Self.withChat { client in
            let choice: JSONValue = ["type": "function", "function": ["name": "go"]]
            for seed in 0..<4 {
                let more: [JSONValue.Member] = [
                    .init("tool_choice", choice), .init("seed", .integer(seed)),
                ]
                let tools = [Self.tool("go", Self.place), Self.tool("stay", nil)]
                let answer = try await client.post(
                    "/v1/chat/completions",
                    Self.ask(tools, more)
                ).json
                let message = try #require(answer["choices"]?[0]?["message"], "\(answer)")
                let call = message["tool_calls"]?[0]?["function"]
                #expect(call?["name"] == "go")
                let place = try Self.arguments(call)
                #expect(["Rome", "Oslo"].contains(place["city"]?.text))
                #expect([true, false, .null].contains(place["sure"]))
            }
        }
    }

    @Test("Where one of several must be called, its name says what its arguments are")
    func required() async throws {
        try await Self.withChat { client in
            let tools = [Self.tool("go", Self.place), Self.tool("stay", nil)]
            var names: Set<String> = []
            for seed in 0..<8 {
                let more: [JSONValue.Member] = [
                    .init("tool_choice", "required"), .init("seed", .integer(seed)),
                    .init("temperature", 2), .init("min_p", 0), .init("top_p", 1),
                ]
                let answer = try await client.post(
                    "/v1/chat/completions",
                    Self.ask(tools, more)
                ).json
                let call = answer["choices"]?[0]?["message"]?["tool_calls"]?[0]?["function"]
                let name = try #require(call?["name"]?.text, "\(answer)")
                names.insert(name)
                let arguments = try Self.arguments(call)
                #expect(name == "stay" ? arguments == [:] : arguments["city"] != nil)
            }
            #expect(names.isSubset(of: ["go", "stay"]))
        }
    }

    @Test("The model may also call strict tools by itself, or answer, in either way of writing")
    func auto() async throws {
        for calls in ["<tool_call>{{ call | tojson }}", "[TOOL_CALLS] [{{ call | tojson }}]"] {
            try await Self.withChat(calls: calls) { client in
                let tools = [Self.tool("go", Self.place), Self.tool("stay", nil, isStrict: false)]
                for more: [JSONValue.Member] in [[], [.init("parallel_tool_calls", false)]] {
                    let reply = try await client.post(
                        "/v1/chat/completions",
                        Self.ask(tools, more)
                    )
                    #expect(reply.status == 200, "\(reply.text)")
                }
            }
        }
    }

    @Test("What arguments cannot be held to is refused with its name and place")
    func refusals() async throws {
        let pattern: JSONValue = [
            "type": "object", "properties": ["a": ["type": "string", "pattern": "a+"]],
        ]
        var deep: JSONValue = ["type": "null"]
        for _ in 0..<20 { deep = ["type": "object", "properties": ["a": deep]] }
        let doubled =
            ["type": "object", "properties": ["a": deep, "b": ["$ref": "#/a"]]] as JSONValue
        let wrong: [([JSONValue], String, String)] = [
            ([Self.tool("f", pattern)], "tools[0].function.parameters", "'pattern'"),
            (
                [Self.tool("e", nil), Self.tool("f", ["type": "string"])],
                "tools[1].function.parameters", "must be an object"
            ),
            ([Self.tool("f", doubled)], "tools[0].function.parameters", "points to nothing"),
            ([Self.tool("f", nil, isStrict: "yes")], "tools[0].function.strict", "true or false"),
            (
                [Self.tool("f", nil), Self.tool("f", nil, isStrict: false)],
                "tools[1].function.name", "another name"
            ),
        ]
        try await Self.withChat { client in
            for (tools, field, reason) in wrong {
                let reply = try await client.post("/v1/chat/completions", Self.ask(tools))
                #expect(reply.status == 400, "\(reply.text)")
                #expect(try reply.error?["param"] == .string(field))
                let message = try reply.error?["message"]?.text ?? ""
                #expect(message.contains(reason), "\(message)")
            }
            // Without the promise, any schema may be shown to the model.
            let loose = Self.ask([Self.tool("f", pattern, isStrict: false)])
            #expect(try await client.post("/v1/chat/completions", loose).status == 200)
        }
        try await Self.withChat(calls: "{{ call.name }}()") { client in
            let tools = [Self.tool("a", nil, isStrict: .null), Self.tool("b", nil)]
            let reply = try await client.post("/v1/chat/completions", Self.ask(tools))
            #expect(reply.status == 400)
            #expect(try reply.error?["param"] == "tools[1].function.strict")
        }
    }
}
