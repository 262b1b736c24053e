import Coordinator
import HTTPTypes
import Hummingbird
import JSON
import Logging
import NIOCore
import Wire

/// Finds what a request asks for, and turns errors into answers.
struct APIResponder: HTTPResponder {
    let door: CoordinatorDoor
    let gate: RequestGate
    let limits: APILimits
    private let templates: ChatTemplates
    private let feed: PageFeed

    init(
        door: CoordinatorDoor,
        gate: RequestGate,
        limits: APILimits,
        templates: ChatTemplates
    ) {
        self.templates = templates
        self.door = door
        self.gate = gate
        self.limits = limits
        feed = PageFeed(door)
    }

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
        if let file = PageFiles.response(at: path) {
            try require(.get, request)
            return file
        }
        switch path {
        case "/events":
            try require(.get, request)
            return try await feed.response(to: request)
        case "/health":
            try require(.get, request)
            return .json(["status": "ok"])
        case "/readyz":
            try require(.get, request)
            return try await readiness()
        case "/v1/models":
            try require(.get, request)
            return .json(["object": "list", "data": [try served.listing]])
        case _ where path.hasPrefix("/v1/models/"):
            try require(.get, request)
            try served.check(model: String(path.dropFirst("/v1/models/".count)))
            return .json(try served.listing)
        case "/v1/completions":
            try require(.post, request)
            return try await generation(owner).completions(request, on: context.channel)
        case "/v1/chat/completions":
            try require(.post, request)
            return try await generation(owner).chat(request, on: context.channel)
        case "/apply-template":
            try require(.post, request)
            return try await generation(owner).applyTemplate(request)
        case "/openapi.json":
            try require(.get, request)
            return .json(OpenAPIDocument(limits: limits).value)
        case "/metrics", "/slots", "/props":
            try require(.get, request)
            return try await reports(path, request)
        case "/tokenize":
            try require(.post, request)
            return try await TextHandlers(served: served, limits: limits).tokenize(request)
        case "/detokenize":
            try require(.post, request)
            return try await TextHandlers(served: served, limits: limits).detokenize(request)
        default: throw .unknownPath(path)
        }
    }

    private var served: ServedAnswers {
        get throws(APIError) {
            guard let served = ServedAnswers(door) else { throw .starting }
            return served
        }
    }

    private func generation(_ owner: String?) -> GenerationHandler {
        let owner = owner.map { JobOwner(name: $0, jobLimit: limits.jobsPerKey) }
        return GenerationHandler(door: door, limits: limits, owner: owner, templates: templates)
    }

    private func require(_ method: HTTPRequest.Method, _ request: Request) throws(APIError) {
        guard request.method == method || (method == .get && request.method == .head) else {
            throw .wrongMethod(request.method.rawValue, allowed: method.rawValue)
        }
    }

    private func reports(_ path: String, _ request: Request) async throws(APIError) -> Response {
        let served = try served
        guard let inspection = await door.inspect() else { throw .starting }
        let reports = ReportHandlers(served: served, inspection: inspection, limits: limits)
        return switch path {
        case "/metrics": reports.metrics
        case "/slots": try reports.slots(request)
        default: reports.props
        }
    }

    /// Whether jobs would be computed now.
    private func readiness() async throws(APIError) -> Response {
        guard let inspection = await door.inspect() else { throw .starting }
        guard inspection.status.isReady else { throw .notReady(inspection.status.text) }
        return .json(["status": "ready", "model": .string(inspection.status.modelName)])
    }

    /// After an error the rest of a long body is not waited for.
    private static let lingerTime = Duration.seconds(5)

    private static func response(
        to error: APIError,
        of request: Request,
        on channel: any Channel
    ) -> Response {
        var response = Response.json(error.body, status: .init(code: error.status))
        if let seconds = error.retryAfter { response.headers[.retryAfter] = "\(seconds)" }
        if case .wrongMethod(_, let allowed) = error { response.headers[.allow] = allowed }
        if case .noKey = error { response.headers[.wwwAuthenticate] = "Bearer" }
        if error.endsConnection { response.headers[.connection] = "close" }
        if error.mayLeaveBody, request.method != .get {
            response.headers[.connection] = "close"
            channel.close(after: lingerTime)
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
