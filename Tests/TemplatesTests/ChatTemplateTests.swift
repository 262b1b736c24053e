import Foundation
import JSON
import Templates
import Testing

@Suite("Chat templates")
struct ChatTemplateTests {
    private static func source(_ name: String) throws -> String {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let file = folder.appending(path: "Fixtures/chats/\(name).jinja")
        return try String(contentsOf: file, encoding: .utf8)
    }

    private static func template(_ name: String) throws -> ChatTemplate {
        try ChatTemplate(
            source: try source(name),
            tokens: ["bos_token": "<s>", "eos_token": "</s>"]
        )
    }

    private static let question: TemplateValue = ["role": "user", "content": "Hi"]
    private static let tool: TemplateValue = [
        "type": "function",
        "function": [
            "name": "weather", "description": "d",
            "parameters": ["type": "object", "properties": ["place": ["type": "string"]]],
        ],
    ]

    private static func call(_ arguments: TemplateValue, content: TemplateValue = nil)
        -> TemplateValue
    {
        [
            "role": "assistant", "content": content,
            "tool_calls": [
                [
                    "id": "abcdefghi", "type": "function",
                    "function": ["name": "weather", "arguments": arguments],
                ]
            ],
        ]
    }

    @Test("A conversation becomes the model's text")
    func chatML() throws {
        let template = try Self.template("chatml")
        #expect(
            try template.render(messages: [Self.question])
                == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
        )
        #expect(
            try template.render(messages: [Self.question], addGenerationPrompt: false)
                == "<|im_start|>user\nHi<|im_end|>\n"
        )
    }

    @Test("Other variables reach the template")
    func variables() throws {
        let template = try Self.template("qwen3")
        let text = try template.render(
            messages: [Self.question],
            variables: ["enable_thinking": false]
        )
        #expect(text.hasSuffix("<think>\n\n</think>\n\n"))
    }

    @Test("Parts of text are joined where the template takes only text")
    func parts() throws {
        let parts: TemplateValue = [
            ["type": "text", "text": "a"], ["type": "text", "text": "b"],
        ]
        let template = try Self.template("chatml")
        let text = try template.render(messages: [["role": "user", "content": parts]])
        #expect(text.contains("user\nab<|im_end|>"))
        let taken = try Self.template("gemma").render(messages: [
            ["role": "user", "content": parts]
        ])
        #expect(taken.contains("user\nab<end_of_turn>"))
    }

    @Test("Text becomes a part where the template takes only parts")
    func onlyParts() throws {
        let source =
            "{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}"
        #expect(try ChatTemplate(source: source).render(messages: [Self.question]) == "Hi")
    }

    @Test("Arguments are handed on as the value of what the model wrote")
    func arguments() throws {
        let template = try Self.template("qwen2-tools")
        #expect(template.takesTools && template.toolCallFormat == .tagged)
        let text = try template.render(
            messages: [Self.question, Self.call("{\"place\":\"K\"}")],
            tools: [Self.tool]
        )
        #expect(text.contains("{\"name\": \"weather\", \"arguments\": {\"place\": \"K\"}}"))
        #expect(text.contains("<tools>\n{\"type\": \"function\""))
        let broken = try template.render(messages: [Self.question, Self.call("{oops")])
        #expect(broken.contains("\"arguments\": \"{oops\""))
    }

    @Test("Arguments are a text where the template adds them to one")
    func textArguments() throws {
        let source = """
            {% for m in messages %}{% for c in m.tool_calls or [] %}\
            {{ 'call ' + c.function.name + ' ' + c.function.arguments }}{% endfor %}{% endfor %}
            """
        let template = try ChatTemplate(source: source)
        for arguments: TemplateValue in ["{\"a\": 1}", ["a": 1]] {
            let text = try template.render(messages: [Self.question, Self.call(arguments)])
            #expect(text == "call weather {\"a\": 1}")
        }
    }

    @Test("A message without content has the empty text where the template needs one")
    func noContent() throws {
        let template = try Self.template("chatml")
        let text = try template.render(messages: [Self.question, Self.call([:])])
        #expect(text.contains("assistant\n<|im_end|>"))
    }

    @Test("Templates without tools are known")
    func tools() throws {
        for (name, takes) in [
            ("chatml", false), ("mixtral", false), ("olmoe", false), ("gemma", false),
            ("qwen3", true), ("mistral-tools", true), ("gpt-oss", true), ("glm", true),
            ("granite", true), ("llama3", true),
        ] {
            #expect(try Self.template(name).takesTools == takes, "\(name)")
        }
    }

    @Test("What the template refuses is told in its own words")
    func refusal() throws {
        let template = try Self.template("mixtral")
        let error = #expect(throws: TemplateError.self) {
            try template.render(messages: [Self.question, Self.question])
        }
        guard case .raised(let message) = error?.problem else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(message.contains("must alternate"))
    }

    @Test("Days are those of the calendar")
    func dates() throws {
        let template = try Template("{{ strftime_now('%Y-%m-%d %H:%M:%S %a %j') }}")
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00 Thu 001"), (951_782_400, "2000-02-29 00:00:00 Tue 060"),
            (1_798_761_599, "2026-12-31 23:59:59 Thu 365"), (-1, "1969-12-31 23:59:59 Wed 365"),
            (Int.max, "9999-12-31 23:59:59 Fri 365"), (Int.min, "0001-01-01 00:00:00 Mon 001"),
        ] {
            #expect(
                try template.render([:], date: TemplateDate(secondsSince1970: seconds)) == expected
            )
        }
    }
}

@Suite("JSON for templates")
struct JSONTests {
    @Test(
        "Values are read and written with their keys in order",
        arguments: [
            "{\"b\": 1, \"a\": [true, false, null, 1.5, -3, \"x\\n\"]}", "[]", "{}", "\"é\"", "0",
        ]
    )
    func roundTrip(text: String) throws {
        #expect(try TemplateValue(json: text).json == text)
    }

    @Test("Escapes and numbers are read")
    func details() throws {
        #expect(try TemplateValue(json: "\"\\ud83d\\ude42\\u00e9\\/\"") == "🙂é/")
        #expect(try TemplateValue(json: " 1e2 ") == .float(100))
        #expect(try TemplateValue(json: "99999999999999999999") == .float(1e20))
    }

    @Test(
        "What is no JSON is refused",
        arguments: [
            "", "{", "[1,]", "{\"a\"}", "{a: 1}", "01", "1.", ".5", "+1", "nul", "\"\u{1}\"",
            "\"\\x\"",
            "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "1e999", "[1] 2", "\"abc", "tru e",
            "-", "NaN",
            "\"\\u+123\"", "{\"a\": 1, \"a\": 2}",
        ]
    )
    func refusals(text: String) {
        #expect(throws: JSONError.self) { try TemplateValue(json: text) }
    }

    @Test("Bytes that are no UTF-8, and what is nested too deep, are refused")
    func hostile() {
        #expect(throws: JSONError.self) { try TemplateValue(json: [0x22, 0xFF, 0x22]) }
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONError.tooDeep(64)) { try TemplateValue(json: deep) }
    }
}
