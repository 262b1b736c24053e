import API
import Foundation
import JSON
import NIOCore
import NIOPosix
import NIOSSL

/// A client that says exactly what a test wants, on a connection of its own each time.
struct HTTPClient: Sendable {
    /// Where the server says that it listens: `http[s]://HOST:PORT` or `unix:PATH`.
    let address: String
    /// How it speaks TLS; nil where it does not.
    var tls: NIOSSLContext?
    /// Between two pieces of what it sends, where it sends several.
    var pause = Duration.zero

    struct Reply: Sendable {
        var status = 0
        /// Names in small letters.
        var headers: [String: String] = [:]
        var body: [UInt8] = []

        var text: String { String(decoding: body, as: UTF8.self) }
        var json: JSONValue { get throws { try JSONValue(parsing: body) } }
        /// OpenAI's error object.
        var error: JSONValue? { get throws { try json["error"] } }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    func get(
        _ path: String,
        headers: [String: String] = [:],
        host: String = "localhost"
    ) async throws -> Reply {
        let bytes = Self.request("GET", path, headers: headers, host: host, body: [])
        return try Self.reply(in: try await exchange([bytes]) { _ in true })
    }

    func post(
        _ path: String,
        _ body: JSONValue,
        headers: [String: String] = [:]
    ) async throws -> Reply {
        try await send("POST", path, headers: headers, body: body.encoded)
    }

    func send(
        _ method: String,
        _ path: String,
        headers: [String: String] = [:],
        body: [UInt8] = []
    ) async throws -> Reply {
        let bytes = Self.request(method, path, headers: headers, body: body)
        return try Self.reply(in: try await exchange([bytes]) { _ in true })
    }

    /// Posts, and hands over each event of the stream as it comes; false leaves.
    func stream(
        _ path: String,
        _ body: JSONValue,
        onEvent: @escaping @Sendable (String) -> Bool = { _ in true }
    ) async throws -> [String] {
        let bytes = Self.request("POST", path, headers: [:], body: body.encoded)
        var seen = 0
        let answer = try await exchange([bytes]) { answer in
            let events = Self.events(in: answer)
            defer { seen = events.count }
            return events.dropFirst(seen).allSatisfy(onEvent)
        }
        return Self.events(in: answer)
    }

    /// Sends pieces, then listens until the other side ends, or `isWanted` says no.
    ///
    /// - Parameter closing: whether it says that it will send no more.
    func exchange(
        _ pieces: [[UInt8]],
        closing: Bool = false,
        isWanted: ([UInt8]) -> Bool
    ) async throws -> [UInt8] {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(to: try socketAddress) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let handler = try NIOSSLClientHandler(context: tls, serverHostname: nil)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var answer: [UInt8] = []
            do {
                for piece in pieces {
                    try await outbound.write(ByteBuffer(bytes: piece))
                    if pause > .zero { try await Task.sleep(for: pause) }
                }
            } catch let error as CancellationError {
                throw error
            } catch {
                // It had enough before it had read all.
            }
            if closing { outbound.finish() }
            do {
                for try await buffer in inbound {
                    answer += buffer.readableBytesView
                    guard isWanted(answer) else { break }
                }
            } catch let error as IOError where error.errnoCode == 104 {
                // The other side had enough: what it said before counts.
            }
            return answer
        }
    }

    private var socketAddress: SocketAddress {
        get throws {
            if address.hasPrefix("unix:") {
                return try SocketAddress(
                    unixDomainSocketPath: String(address.dropFirst("unix:".count))
                )
            }
            let port = address.split(separator: ":").last.flatMap { Int($0) } ?? 0
            return try SocketAddress(ipAddress: "127.0.0.1", port: port)
        }
    }

    static func request(
        _ method: String,
        _ path: String,
        headers: [String: String],
        host: String = "localhost",
        body: [UInt8]
    ) -> [UInt8] {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n"
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            head += "\(name): \(value)\r\n"
        }
        if method == "POST" { head += "Content-Length: \(body.count)\r\n" }
        return Array((head + "\r\n").utf8) + body
    }

    static func reply(in bytes: [UInt8]) throws -> Reply {
        let separator = Array("\r\n\r\n".utf8)
        guard let split = bytes.firstRange(of: separator) else {
            throw Failure(description: "no response: \(String(decoding: bytes, as: UTF8.self))")
        }
        let lines = String(decoding: bytes[..<split.lowerBound], as: UTF8.self)
            .split(separator: "\r\n")
        var reply = Reply()
        reply.status = Int(lines[0].split(separator: " ")[1]) ?? 0
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            reply.headers[parts[0].lowercased()] = parts.last.map { String($0.dropFirst()) }
        }
        let body = Array(bytes[split.upperBound...])
        let isChunked = reply.headers["transfer-encoding"] == "chunked"
        reply.body = isChunked ? unchunked(body) : body
        return reply
    }

    private static func unchunked(_ bytes: [UInt8]) -> [UInt8] {
        var body: [UInt8] = []
        var rest = bytes[...]
        while let line = rest.firstRange(of: Array("\r\n".utf8)),
            let size = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16),
            size > 0, rest.endIndex - line.upperBound >= size
        {
            body += rest[line.upperBound..<line.upperBound + size]
            rest = rest[(line.upperBound + size)...].dropFirst(2)
        }
        return body
    }

    /// What stands behind `data:` in what has come so far.
    static func events(in bytes: [UInt8]) -> [String] {
        guard let reply = try? reply(in: bytes) else { return [] }
        return reply.text.components(separatedBy: "\n\n").dropLast().compactMap { event in
            event.hasPrefix("data: ") ? String(event.dropFirst("data: ".count)) : nil
        }
    }
}
