import Coordinator
import Hummingbird
import NIOCore
import ServiceLifecycle
import Synchronization

/// What all who watch the page see: made once for all of them, at most once in a while.
final class PageFeed: Sendable {
    private let door: CoordinatorDoor
    private let start = ContinuousClock.now
    private let latest = Mutex<(made: ContinuousClock.Instant, event: [UInt8])?>(nil)

    /// Between two pictures.
    static let pause = Duration.seconds(1)

    init(_ door: CoordinatorDoor) { self.door = door }

    /// The picture of now, as an event; nil while there is nothing to see.
    func event() async -> [UInt8]? {
        let now = ContinuousClock.now
        let kept = latest.withLock { latest in
            latest.flatMap { now - $0.made < Self.pause * 3 / 4 ? $0.event : nil }
        }
        if let kept { return kept }
        guard let inspection = await door.inspect() else { return nil }
        let snapshot = PageSnapshot(
            inspection: inspection,
            clock: (ContinuousClock.now - start) / .seconds(1)
        )
        let event = ServerEvent.data(snapshot.value)
        latest.withLock { $0 = (now, event) }
        return event
    }

    /// A stream of pictures, until the other side leaves or the server stops.
    func response(to request: Request) async throws(APIError) -> Response {
        guard let first = await event() else { throw .starting }
        return .events { writer in
            try await request.body.consumeWithCancellationOnInboundClose { _ in
                try await writer.write(ByteBuffer(bytes: first))
                try await cancelWhenGracefulShutdown {
                    try await Task.sleep(for: Self.pause)
                }
                while !Task.isShuttingDownGracefully, let event = await self.event() {
                    try await writer.write(ByteBuffer(bytes: event))
                    try await cancelWhenGracefulShutdown {
                        try await Task.sleep(for: Self.pause)
                    }
                }
            }
        }
    }
}

/// The live page's files.
enum PageFiles {
    static let paths: Set<String> = ["/", "/page.css", "/page.js"]

    /// - Returns: nil where the page has no such file.
    static func response(at path: String) -> Response? {
        switch path {
        case "/": response(PageMarkup.text, type: "text/html; charset=utf-8")
        case "/page.css": response(PageStyle.text, type: "text/css; charset=utf-8")
        case "/page.js": response(PageScript.text, type: "text/javascript; charset=utf-8")
        default: nil
        }
    }

    /// Nothing from elsewhere, and no script but ours.
    private static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
        "img-src data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    ].joined(separator: "; ")

    private static func response(_ text: String, type: String) -> Response {
        var response = Response(
            status: .ok,
            headers: [.contentType: type, .cacheControl: "no-cache"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
        response.headers[.contentSecurityPolicy] = policy
        response.headers[.xContentTypeOptions] = "nosniff"
        return response
    }
}
