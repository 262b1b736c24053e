import API
import ClusterTesting
import Foundation
import JSON
import Testing

/// Requests that no client of goodwill sends; the server says what is wrong, and lives.
@Suite("Hostile HTTP", .serialized, .timeLimit(.minutes(10)))
struct HostileTests {
    private static func post(_ head: String, _ body: String) -> [UInt8] {
        Array("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n\(head)\r\n\r\n\(body)".utf8)
    }

    @Test("A body that is too long is refused, whether it says so or not")
    func longBody() async throws {
        try await withServer(settings: ["coordinator.http-body": "2048"]) { client, _ in
            let long = [UInt8](repeating: 0x20, count: 4096)
            let told = try await client.send("POST", "/v1/completions", body: long)
            #expect(told.status == 413)
            #expect(try told.error?["code"] == "request_too_large")
            var chunked = Self.post("Transfer-Encoding: chunked", "")
            for _ in 0..<8 {
                chunked += Array("400\r\n".utf8) + [UInt8](repeating: 0x20, count: 1024)
                chunked += Array("\r\n".utf8)
            }
            let untold = try await client.exchange([chunked]) { !$0.contains(0x7d) }
            #expect(try HTTPClient.reply(in: untold).status == 413)
            // A hundred megabytes that are only announced.
            let lie = Self.post("Content-Length: 104857600", "{")
            let answer = try await client.exchange([lie]) { !$0.contains(0x7d) }
            #expect(try HTTPClient.reply(in: answer).status == 413)
            try await expectAlive(client)
        }
    }

    @Test("A body that does not come is waited for only so long")
    func slowBody() async throws {
        try await withServer(limits: { $0.bodyTime = .milliseconds(100) }) { client, _ in
            let slow = Self.post("Content-Length: 100", "{")
            let answer = try await client.exchange([slow]) { !$0.contains(0x7d) }
            #expect(try HTTPClient.reply(in: answer).status == 408)
            try await expectAlive(client)
        }
    }

    @Test("A connection that does not ask to the end is closed")
    func silent() async throws {
        try await withServer(limits: { $0.idleTime = .milliseconds(300) }) { client, _ in
            let header = Array("GET /health HTTP/1.1\r\nHost: loc".utf8)
            _ = try await client.exchange([header]) { _ in true }
            _ = try await client.exchange([]) { _ in true }
            try await expectAlive(client)
        }
    }

    @Test("Whoever sends a byte now and then is not waited for any longer")
    func drip() async throws {
        let impatient: @Sendable (inout APILimits) -> Void = {
            $0.bodyTime = .milliseconds(200)
            $0.idleTime = .milliseconds(300)
        }
        // Ten seconds each, had they the time.
        let header = Self.drops(of: 0x78, behind: "GET /health HTTP/1.1\r\nHost: localhost\r\nX: ")
        let head = String(decoding: Self.post("Content-Length: 1001", "{"), as: UTF8.self)
        let body = Self.drops(of: 0x20, behind: head)
        try await withServer(limits: impatient) { client, _ in
            let nothing = try await client.dripping.exchange(header) { _ in true }
            #expect(nothing == [])
            let answer = try await client.dripping.exchange(body) { _ in true }
            // Where the answer was lost because the server had enough, that is an answer, too.
            let status = answer.isEmpty ? 408 : try HTTPClient.reply(in: answer).status
            #expect(status == 408)
            try await expectAlive(client)
        }
    }

    private static func drops(of byte: UInt8, behind head: String) -> [[UInt8]] {
        [Array(head.utf8)] + Array(repeating: [byte], count: 1000)
    }

    @Test("A hundred megabytes are refused while they come")
    func hugeBody() async throws {
        try await withServer { client, _ in
            let told = Self.post("Content-Length: \(100 << 20)", "")
            try await Self.expectRefusal(of: told, piece: Self.megabyte, client)
            let untold = Self.post("Transfer-Encoding: chunked", "")
            let chunk = Array("100000\r\n".utf8) + Self.megabyte + Array("\r\n".utf8)
            try await Self.expectRefusal(of: untold, piece: chunk, client)
            try await expectAlive(client)
        }
    }

    private static let megabyte = [UInt8](repeating: 0x20, count: 1 << 20)

    private static func expectRefusal(
        of head: [UInt8],
        piece: [UInt8],
        _ client: HTTPClient
    ) async throws {
        let pieces = [head] + Array(repeating: piece, count: 100)
        let answer = try await client.exchange(pieces) { !$0.contains(0x7d) }
        // Where the answer was lost because the server had enough, that is an answer, too.
        guard !answer.isEmpty else { return }
        #expect(try HTTPClient.reply(in: answer).status == 413)
    }

    @Test("A hundred thousand messages are refused by their number")
    func manyMessages() async throws {
        try await withServer { client, _ in
            let message: JSONValue = ["role": "user", "content": ""]
            let messages = JSONValue.array(Array(repeating: message, count: 100_000))
            let reply = try await client.post("/v1/chat/completions", ["messages": messages])
            #expect(reply.status == 400)
            try await expectAlive(client)
        }
    }

    @Test(
        "A chat template that would never end, or fill memory, is stopped, and others are served",
        arguments: [
            "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
            "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}",
            "{% set s = namespace(t='ab') %}{% for i in range(99) %}{% set s.t = s.t + s.t %}"
                + "{% endfor %}{{ s.t }}",
            "{{ 'x' * 1000000000 }}", "{{ range(1000000000) | list }}",
            "{{ messages[0].content * 100000 }}",
        ]
    )
    func templateBombs(template: String) async throws {
        let file = try TemporaryFile("bomb")
        defer { withExtendedLifetime(file) {} }
        try Data(template.utf8).write(to: URL(filePath: file.path))
        let settings = ["coordinator.chat-template": file.path]
        try await withServer(settings: settings) { client, _ in
            let long = String(repeating: "long ", count: 10_000)
            let reply = try await client.post(
                "/v1/chat/completions",
                ["messages": [["role": "user", "content": .string(long)]]]
            )
            #expect(reply.status == 400, "\(reply.text)")
            #expect(try reply.error?["param"] == "messages")
            try await expectAlive(client)
        }
    }

    @Test("Headers that are many, long or malformed end the connection, and nothing else")
    func headers() async throws {
        let impatient: @Sendable (inout APILimits) -> Void = { $0.idleTime = .milliseconds(300) }
        try await withServer(limits: impatient) { client, _ in
            let many = (0..<10_000).map { "X-\($0): 1\r\n" }.joined()
            let long = String(repeating: "x", count: 1 << 20)
            let get = "GET /health HTTP/1.1\r\nHost: localhost\r\n"
            let bombs = [
                "\(get)\(many)\r\n", "\(get)X: \(long)",
                "GET /\(long) HTTP/1.1\r\nHost: localhost\r\n\r\n",
                "GET /health HTTP/9.9\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "\r\n\r\n\r\n\r\n",
                "\(get)Content-Length: -1\r\n\r\n",
                "\(get)Content-Length: 99999999999999999999\r\n\r\n",
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
                    + "Content-Length: 3\r\n\r\n{}",
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            ]
            for bomb in bombs {
                let answer = try await client.exchange([Array(bomb.utf8)]) { _ in false }
                let text = String(decoding: answer.prefix(15), as: UTF8.self)
                #expect(!text.contains(" 200"), "\(bomb.prefix(60)): \(text)")
            }
            try await expectAlive(client)
        }
    }

    @Test("Bodies of anything are refused as what they are")
    func bodies() async throws {
        try await withServer { client, _ in
            let deep = String(repeating: "[", count: 100_000)
            let bodies: [[UInt8]] = [
                [], Array("{".utf8), Array("[]".utf8), Array("null".utf8), Array("7".utf8),
                Array(deep.utf8), Array("{\"prompt\":\"a\",\"prompt\":\"b\"}".utf8),
                [0x22, 0xff, 0x22], Array(#"{"prompt":"\ud800"}"#.utf8), [0, 0, 0],
                Array("{\"prompt\": \"a\"}{}".utf8),
            ]
            for body in bodies {
                let reply = try await client.send("POST", "/v1/completions", body: body)
                #expect(reply.status == 400, "\(reply.text)")
                #expect(try reply.error?["message"]?.text?.isEmpty == false)
            }
            // NUL is text like any other.
            let nul = try await client.post("/tokenize", ["content": "a\u{0}b"])
            #expect(nul.status == 200)
            let many = JSONValue.array(Array(repeating: "x", count: 100_000))
            let prompts = try await client.post("/v1/completions", ["prompt": many])
            #expect(prompts.status == 400)
            try await expectAlive(client)
        }
    }

    @Test("Requests one after another on a connection are answered in order")
    func pipelining() async throws {
        try await withServer { client, _ in
            let one = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let last = "GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            let answer = try await client.exchange([Array((one + one + last).utf8)]) { _ in true }
            let text = String(decoding: answer, as: UTF8.self)
            let statuses = text.components(separatedBy: "HTTP/1.1 ").dropFirst().map {
                $0.prefix(3)
            }
            #expect(statuses == ["200", "200", "404"], "\(text)")
        }
    }

    @Test("Connections beyond the limit wait for one to end")
    func tooMany() async throws {
        let impatient: @Sendable (inout APILimits) -> Void = { $0.idleTime = .milliseconds(300) }
        let settings = ["coordinator.http-connections": "4"]
        try await withServer(settings: settings, limits: impatient) { client, _ in
            // They say nothing, so the server ends them, and lets the others in.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<32 {
                    group.addTask { _ = try await client.exchange([]) { _ in true } }
                }
                try await group.waitForAll()
            }
            try await expectAlive(client)
        }
    }
}

extension HTTPClient {
    /// One that takes its time.
    fileprivate var dripping: HTTPClient {
        var client = self
        client.pause = .milliseconds(10)
        return client
    }
}
