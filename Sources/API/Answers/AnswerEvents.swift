import Coordinator
import Generation
import Hummingbird
import JSON
import NIOCore
import Requests

/// Sends an answer while it is made, as server-sent events that end with `[DONE]`.
struct AnswerEvents {
    private var answer: Answer
    private let options: GenerationFields.AnswerStream
    private var opened: Set<Int> = []

    init(answer: Answer, options: GenerationFields.AnswerStream) {
        self.answer = answer
        self.options = options
    }

    @concurrent func send(
        _ news: AsyncStream<JobNews>,
        to writer: inout any ResponseBodyWriter
    ) async throws {
        var events = self
        do {
            for await something in news {
                let pieces = try events.pieces(something)
                if !pieces.isEmpty { try await writer.write(ByteBuffer(bytes: pieces)) }
            }
            guard events.answer.isComplete else { throw APIError.refused(.shuttingDown) }
            try await writer.write(ByteBuffer(bytes: events.ending))
        } catch let error as APIError {
            // The status has been told: an object in the stream is all that is left.
            try await writer.write(ByteBuffer(bytes: ServerEvent.data(error.body)))
        }
    }

    /// What to send for one piece of news.
    mutating func pieces(_ news: JobNews) throws(APIError) -> [UInt8] {
        if case .pulse = news { return ServerEvent.ping }
        if case .event(_, .prefill(let done, let total)) = news, options.reportsProgress {
            return ServerEvent.data(answer.progressChunk(done: done, total: total))
        }
        var bytes: [UInt8] = []
        for piece in try answer.take(news) {
            let isFirst = opened.insert(piece.choice).inserted
            if isFirst, let opening = answer.opening(of: piece.choice) {
                bytes += ServerEvent.data(opening)
            }
            bytes += ServerEvent.data(answer.chunk(piece))
        }
        return bytes
    }

    /// What to send at the end.
    private var ending: [UInt8] {
        let usage = options.includesUsage ? ServerEvent.data(answer.usageChunk) : []
        return usage + ServerEvent.done
    }
}

/// Server-sent events as bytes.
enum ServerEvent {
    static let done = Array("data: [DONE]\n\n".utf8)
    /// A comment, which clients skip.
    static let ping = Array(": still here\n\n".utf8)

    static func data(_ value: JSONValue) -> [UInt8] {
        Array("data: ".utf8) + value.encoded + Array("\n\n".utf8)
    }
}

extension Response {
    /// A stream of events that lasts as long as `send` does.
    static func events(
        _ send: @escaping @Sendable @concurrent (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-store",
                // Watching for the other side to leave uses the connection up.
                .connection: "close",
            ],
            body: ResponseBody { writer in
                try await send(&writer)
                try await writer.finish(nil)
            }
        )
    }
}
