import API
import ClusterTesting
import Foundation
import JSON
import Testing

/// Every number of a request, with every value that has ever brought a server down.
@Suite("Numbers of requests", .serialized, .timeLimit(.minutes(10)))
struct NumberTests {
    /// As JSON, since not all of these can be numbers of ours.
    private static let values = [
        "-1", "0", "1", "-0", "0.5", "2147483647", "2147483648", "-2147483649", "4294967296",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808",
        "18446744073709551616", "1e308", "-1e308", "1e309", "1e-320", "NaN", "Infinity", "\"1\"",
        "true", "[]", "{}", "[1]", "{\"1\": 1e308}", "{\"99999999999\": 1}",
    ]
    private static let fields = [
        "max_tokens", "max_completion_tokens", "n", "best_of", "temperature", "top_p", "top_k",
        "min_p", "seed", "presence_penalty", "frequency_penalty", "repetition_penalty",
        "logit_bias", "logprobs", "top_logprobs", "min_tokens", "stop_token_ids", "stop", "prompt",
        "stream", "ignore_eos", "response_format", "priority", "slo_ttft", "slo_tpot",
    ]

    private static func template() throws -> TemporaryFile {
        let file = try TemporaryFile("template")
        let text = "{% for message in messages %}{{ message.content }}{% endfor %}"
        try Data(text.utf8).write(to: URL(filePath: file.path))
        return file
    }

    @Test(
        "Whatever a field says, it is answered or refused, and never an error of ours",
        arguments: ["/v1/completions", "/v1/chat/completions"]
    )
    func fields(path: String) async throws {
        let template = try Self.template()
        defer { withExtendedLifetime(template) {} }
        let settings = [
            "coordinator.context-length": "16", "coordinator.chat-template": template.path,
        ]
        let isChat = path.contains("chat")
        let text =
            isChat
            ? #""messages": [{"role": "user", "content": "a"}]"# : #""prompt": "a""#
        try await withServer(settings: settings) { client, _ in
            for field in Self.fields {
                for value in Self.values {
                    var members = ["\"\(field)\": \(value)"]
                    if field != "prompt" { members.append(text) }
                    if field != "max_tokens" { members.append(#""max_tokens": 1"#) }
                    let body = Array("{\(members.joined(separator: ", "))}".utf8)
                    let reply = try await client.send("POST", path, body: body)
                    #expect([200, 400].contains(reply.status), "\(members): \(reply.text)")
                    guard reply.status == 400 else { continue }
                    #expect(try reply.error?["message"]?.text?.isEmpty == false)
                }
            }
            #expect(try await client.get("/health").status == 200)
        }
    }

    @Test("Tokens to be spelled may be any numbers")
    func detokenize() async throws {
        try await withServer { client, _ in
            for value in Self.values {
                for body in ["{\"tokens\": \(value)}", "{\"tokens\": [\(value)]}"] {
                    let body = Array(body.utf8)
                    let reply = try await client.send("POST", "/detokenize", body: body)
                    #expect([200, 400].contains(reply.status), "\(value): \(reply.text)")
                }
            }
        }
    }
}
