import JSON
import Requests
import Wire

/// The API as programs read it: OpenAPI 3.1.
///
/// Says of each field what `Requests` checks.
struct OpenAPIDocument {
    let limits: APILimits

    var value: JSONValue {
        [
            "openapi": "3.1.0",
            "info": [
                "title": "Moiety", "version": .string(Build.version),
                "description": "A Mixture-of-Experts model on a cluster of CPU machines.",
            ],
            "paths": .object(paths),
            "components": [
                "schemas": .object(schemas),
                "securitySchemes": ["key": ["type": "http", "scheme": "bearer"]],
            ],
            "security": [[:], ["key": []]],
        ]
    }

    private var paths: [JSONValue.Member] {
        [
            get("/health", "Whether the server lives."),
            get("/readyz", "Whether jobs would be computed now.", errors: [503]),
            get("/v1/models", "The model that is served.", errors: [503]),
            get("/metrics", "Prometheus text.", type: "text/plain", errors: [503]),
            get("/slots", "What is computed now.", errors: [503]),
            get("/props", "The model's name, context and defaults.", errors: [503]),
            post("/v1/completions", "Continues texts.", body: "Completion", isStream: true),
            post("/v1/chat/completions", "Answers.", body: "Chat", isStream: true),
            post("/apply-template", "A conversation's prompt.", body: "Conversation"),
            post("/tokenize", "Text to tokens.", body: "Tokenize"),
            post("/detokenize", "Tokens to text.", body: "Detokenize"),
        ]
    }

    private func get(
        _ path: String,
        _ summary: String,
        type: String = "application/json",
        errors: [Int] = []
    ) -> JSONValue.Member {
        let responses = [ok([.init(type, [:])])] + Self.errors([401, 403] + errors)
        return JSONValue.Member(
            path,
            ["get": ["summary": .string(summary), "responses": .object(responses)]]
        )
    }

    private func post(
        _ path: String,
        _ summary: String,
        body: String,
        isStream: Bool = false
    ) -> JSONValue.Member {
        let answer: JSONValue = ["schema": ["$ref": "#/components/schemas/Answer"]]
        let contents: [JSONValue.Member] =
            isStream
            ? [.init("application/json", answer), .init("text/event-stream", [:])]
            : [.init("application/json", [:])]
        let errors = Self.errors([400, 401, 403, 404, 408, 409, 413, 429, 501, 503])
        let reference: JSONValue = ["$ref": .string("#/components/schemas/\(body)")]
        return JSONValue.Member(
            path,
            [
                "post": [
                    "summary": .string(summary),
                    "requestBody": [
                        "required": true,
                        "content": ["application/json": ["schema": reference]],
                    ],
                    "responses": .object([ok(contents)] + errors),
                ]
            ]
        )
    }

    private func ok(_ contents: [JSONValue.Member]) -> JSONValue.Member {
        JSONValue.Member(
            "200",
            ["description": "What was asked for.", "content": .object(contents)]
        )
    }

    private static func errors(_ statuses: [Int]) -> [JSONValue.Member] {
        statuses.map { status in
            JSONValue.Member(
                "\(status)",
                [
                    "description": "Why not.",
                    "content": [
                        "application/json": ["schema": ["$ref": "#/components/schemas/Error"]]
                    ],
                ]
            )
        }
    }
}

// MARK: - Fields

extension OpenAPIDocument {
    private var schemas: [JSONValue.Member] {
        [
            .init("Completion", Self.object(completionFields, required: ["prompt"])),
            .init("Chat", Self.object(chatFields, required: ["messages"])),
            .init("Conversation", Self.object(Self.conversation, required: ["messages"])),
            .init("Message", Self.message),
            .init("Tool", Self.tool),
            .init(
                "Tokenize",
                Self.object(
                    [
                        .init("content", Self.text), .init("add_special", Self.bool),
                        .init("parse_special", Self.bool),
                    ],
                    required: ["content"]
                )
            ),
            .init(
                "Detokenize",
                Self.object([.init("tokens", Self.tokens)], required: ["tokens"])
            ),
            .init("Answer", Self.answer),
            .init("Error", Self.error),
        ]
    }

    private var completionFields: [JSONValue.Member] {
        let texts: JSONValue = [
            "type": "array", "items": ["type": "string"], "minItems": 1,
            "maxItems": .integer(limits.choiceCount),
        ]
        return generationFields + [
            .init("prompt", ["anyOf": [Self.text, texts, Self.tokens]]),
            .init("max_tokens", Self.whole(1, Int(Int32.max))),
            .init("logprobs", Self.whole(0, GenerationFields.scoreLimit)),
        ]
    }

    private var chatFields: [JSONValue.Member] {
        generationFields + Self.conversation + [
            .init("max_tokens", Self.whole(1, Int(Int32.max))),
            .init("max_completion_tokens", Self.whole(1, Int(Int32.max))),
            .init("logprobs", Self.bool),
            .init("top_logprobs", Self.whole(0, GenerationFields.scoreLimit)),
        ]
    }

    private static let conversation: [JSONValue.Member] = [
        .init(
            "messages",
            [
                "type": "array", "items": ["$ref": "#/components/schemas/Message"], "minItems": 1,
                "maxItems": 4096,
            ]
        ),
        .init(
            "tools",
            ["type": "array", "items": ["$ref": "#/components/schemas/Tool"], "maxItems": 128]
        ),
        .init("tool_choice", ["anyOf": [["enum": ["auto", "none", "required"]], chosenTool]]),
        .init("parallel_tool_calls", bool),
        .init("chat_template_kwargs", ["type": "object"]),
    ]

    private static let message = object(
        [
            .init("role", ["enum": ["system", "developer", "user", "assistant", "tool"]]),
            .init("content", ["type": ["string", "null"]]),
            .init("name", text),
            .init("tool_call_id", text),
        ],
        required: ["role"]
    )

    private static let chosenTool = object(
        [
            .init("type", ["enum": ["function"]]),
            .init("function", object([.init("name", text)], required: ["name"])),
        ],
        required: ["type", "function"]
    )

    private static let tool = object(
        [
            .init("type", ["enum": ["function"]]),
            .init(
                "function",
                object(
                    [
                        .init("name", text), .init("description", text),
                        .init("parameters", ["type": "object"]), .init("strict", bool),
                    ],
                    required: ["name"]
                )
            ),
        ],
        required: ["type", "function"]
    )

    private var generationFields: [JSONValue.Member] {
        let stop: JSONValue = ["type": "string", "minLength": 1, "maxLength": 256]
        return [
            .init("model", Self.text),
            .init("n", Self.whole(1, limits.choiceCount)),
            .init("stop", ["anyOf": [stop, ["type": "array", "items": stop, "maxItems": 16]]]),
            .init("stream", Self.bool),
            .init("stream_options", Self.object([.init("include_usage", Self.bool)])),
            .init("return_progress", Self.bool),
            .init("temperature", Self.number(0, 2)),
            .init("top_p", Self.number(0, 1)),
            .init("min_p", Self.number(0, 1)),
            .init("top_k", Self.whole(-1, Int(Int32.max))),
            .init("seed", Self.whole(.min, .max)),
            .init("presence_penalty", Self.number(-2, 2)),
            .init("frequency_penalty", Self.number(-2, 2)),
            .init("repetition_penalty", Self.number(0.01, 100)),
            .init("logit_bias", Self.biases),
            .init("min_tokens", Self.whole(0, Int(Int32.max))),
            .init("ignore_eos", Self.bool),
            .init("stop_token_ids", ["type": "array", "items": Self.token, "maxItems": 64]),
            .init("response_format", Self.responseFormat),
            .init("task", ["type": ["string", "null"], "maxLength": 128]),
            .init(
                "priority",
                Self.whole(Submit.priorities.lowerBound, Submit.priorities.upperBound)
            ),
            .init("slo_ttft", Self.number(0.001, 86_400_000)),
            .init("slo_tpot", Self.number(0.001, 86_400_000)),
            .init("user", Self.text),
        ]
    }

    private static let text: JSONValue = ["type": "string"]
    private static let bool: JSONValue = ["type": ["boolean", "null"]]
    private static let token: JSONValue = ["type": "integer", "minimum": 0]
    private static let tokens: JSONValue = ["type": "array", "items": token, "minItems": 1]
    private static let biases: JSONValue = [
        "type": "object", "propertyNames": ["pattern": "^[0-9]{1,9}$"],
        "additionalProperties": ["type": "number", "minimum": -100, "maximum": 100],
        "maxProperties": 1024,
    ]
    private static let responseFormat: JSONValue = ["anyOf": [plainFormat, schemaFormat]]

    private static let plainFormat = object(
        [.init("type", ["enum": ["text", "json_object"]])],
        required: ["type"]
    )

    private static let schemaFormat = object(
        [.init("type", ["enum": ["json_schema"]]), .init("json_schema", namedSchema)],
        required: ["type", "json_schema"]
    )

    private static let namedSchema = object(
        [
            .init("name", text), .init("description", text), .init("strict", bool),
            .init("schema", ["type": "object"]),
        ],
        required: ["schema"]
    )

    private static func whole(_ lowest: Int, _ highest: Int) -> JSONValue {
        [
            "type": ["integer", "null"], "minimum": .integer(lowest), "maximum": .integer(highest),
        ]
    }

    private static func number(_ lowest: Double, _ highest: Double) -> JSONValue {
        ["type": ["number", "null"], "minimum": .number(lowest), "maximum": .number(highest)]
    }

    private static func object(
        _ properties: [JSONValue.Member],
        required: [JSONValue] = []
    ) -> JSONValue {
        [
            "type": "object", "properties": .object(properties), "required": .array(required),
            "additionalProperties": false,
        ]
    }

    /// OpenAI's, of which only what we add is described.
    private static let answer: JSONValue = [
        "type": "object",
        "properties": [
            "usage": [
                "type": "object",
                "properties": [
                    "moiety": [
                        "description": "Which part of the uses of experts was inexact.",
                        "type": "object",
                        "required": ["expert_uses", "low_share", "skipped_share"],
                        "properties": [
                            "expert_uses": ["type": "integer", "minimum": 0],
                            "low_share": share, "skipped_share": share,
                        ],
                    ]
                ],
            ]
        ],
    ]

    private static let share: JSONValue = ["type": "number", "minimum": 0, "maximum": 1]

    private static let error: JSONValue = [
        "type": "object", "required": ["error"],
        "properties": [
            "error": [
                "type": "object", "required": ["message", "type", "param", "code"],
                "properties": [
                    "message": ["type": "string"], "type": ["type": "string"],
                    "param": ["type": ["string", "null"]], "code": ["type": ["string", "null"]],
                ],
            ]
        ],
    ]
}
