import Coordinator
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Wire

/// Finds what a request asks for, and turns errors into answers.
struct APIResponder: HTTPResponder {
    let door: CoordinatorDoor
    let gate: RequestGate
    let limits: APILimits

    func respond(to request: Request, context: APIContext) async throws -> Response {
        do throws(APIError) {
            let path = String(request.uri.path)
            let owner = try gate.admit(request, path: path)
            return try await respond(to: request, at: path, owner: owner, context: context)
        } catch {
            return Self.response(to: error, of: request, on: context.channel)
        }
    }

    private func respond(
        to request: Request,
        at path: String,
        owner: String?,
        context: APIContext
    ) async throws(APIError) -> Response {
        switch path {
        case "/health":
            try require(.get, request)
            return .json(["status": "ok"])
        case "/readyz":
            try require(.get, request)
            return try await readiness()
        default: throw .unknownPath(path)
        }
    }

    private func require(_ method: HTTPRequest.Method, _ request: Request) throws(APIError) {
        guard request.method == method || (method == .get && request.method == .head) else {
            throw .wrongMethod(request.method.rawValue, allowed: method.rawValue)
        }
    }

    /// Whether jobs would be computed now.
    private func readiness() async throws(APIError) -> Response {
        guard let inspection = await door.inspect() else { throw .starting }
        guard inspection.status.isReady else { throw .notReady(inspection.status.text) }
        return .json(["status": "ready", "model": .string(inspection.status.modelName)])
    }

    /// After an error the rest of a long body is not waited for.
    private static let lingerTime = TimeAmount.seconds(5)

    private static func response(
        to error: APIError,
        of request: Request,
        on channel: any Channel
    ) -> Response {
        var response = Response.json(error.body, status: .init(code: error.status))
        if let seconds = error.retryAfter { response.headers[.retryAfter] = "\(seconds)" }
        if case .wrongMethod(_, let allowed) = error { response.headers[.allow] = allowed }
        if case .noKey = error { response.headers[.wwwAuthenticate] = "Bearer" }
        if error.mayLeaveBody, request.method != .get {
            response.headers[.connection] = "close"
            channel.eventLoop.scheduleTask(in: lingerTime) { channel.close(promise: nil) }
        }
        return response
    }
}

/// What belongs to one request besides itself.
struct APIContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

extension Response {
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.encoded + [0x0a]))
        )
    }
}
