import Coordinator
import Generation
import Inference
import JSON
import Requests
import Tokenizer

/// Why a request is answered with an error.
enum APIError: Error, Equatable {
    // The request as such.
    case unknownPath(String)
    case wrongMethod(String, allowed: String)
    case wrongHost(String)
    case foreignOrigin(String)
    case noKey
    case bodyTooLarge(limit: Int)
    case bodyTooSlow

    // What it asks for.
    case body(BodyError)
    case text(String, TokenizerError)
    case unknownModel(String, served: String)
    case noChat(String)

    // What became of it.
    case starting
    case notReady(String)
    case refused(JobRefusal)
    case cancelled
    case failed(String)
}

extension APIError {
    /// What is made of a body's wishes; what is wrong with them, as an answer.
    static func ofBody<Result>(
        _ make: () throws(BodyError) -> Result
    ) throws(APIError) -> Result {
        do throws(BodyError) {
            return try make()
        } catch {
            throw .body(error)
        }
    }

    var status: Int {
        switch self {
        case .unknownPath, .unknownModel: 404
        case .wrongMethod: 405
        case .wrongHost, .foreignOrigin: 403
        case .noKey: 401
        case .bodyTooLarge: 413
        case .bodyTooSlow: 408
        case .body, .text: 400
        case .noChat: 501
        case .starting, .notReady: 503
        case .refused(let refusal): refusal.status
        case .cancelled: 409
        case .failed: 503
        }
    }

    /// OpenAI's word for the kind of error, by which clients choose their exceptions.
    var type: String {
        switch status {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 404, 405: "not_found_error"
        case 429: "rate_limit_error"
        case 501: "not_supported_error"
        case 503: "unavailable_error"
        default: "invalid_request_error"
        }
    }

    /// A word for programs; nil where the type says it all.
    var code: String? {
        switch self {
        case .noKey: "invalid_api_key"
        case .unknownModel: "model_not_found"
        case .bodyTooLarge: "request_too_large"
        case .body(let error): error.code
        case .text: "invalid_value"
        case .starting: "loading"
        case .notReady: "not_ready"
        case .cancelled: "cancelled"
        case .failed: "job_failed"
        case .refused(let refusal): refusal.code
        default: nil
        }
    }

    /// The field of the request that is to blame.
    var field: String? {
        switch self {
        case .body(let error): error.field
        case .text(let name, _): name
        case .unknownModel: "model"
        case .refused(let refusal): refusal.field
        default: nil
        }
    }

    /// When to try again, in seconds, where that may help.
    var retryAfter: Int? { status == 429 || status == 503 ? 1 : nil }

    /// Whether the answer may be given before the whole body was read.
    var mayLeaveBody: Bool { [401, 403, 404, 405, 408, 413].contains(status) }

    /// Whether it came while the connection was watched for the other side to leave, which uses
    /// it up.
    var endsConnection: Bool { self == .cancelled || status == 503 }

    /// OpenAI's form.
    var body: JSONValue {
        [
            "error": [
                "message": .string("\(self)"),
                "type": .string(type),
                "param": field.map(JSONValue.string) ?? .null,
                "code": code.map(JSONValue.string) ?? .null,
            ]
        ]
    }
}

extension APIError: CustomStringConvertible {
    var description: String {
        switch self {
        case .unknownPath(let path): "there is no \(path.prefix(128)) here; see docs/API.md"
        case .wrongMethod(let method, let allowed):
            "\(method) is not possible here; use \(allowed)"
        case .wrongHost(let host):
            "the request is for the host '\(host.prefix(128))', which this server is not called"
        case .foreignOrigin(let origin):
            "pages of \(origin.prefix(128)) may not use this server"
        case .noKey: "give a valid API key, as in 'Authorization: Bearer KEY'"
        case .bodyTooLarge(let limit): "the body is longer than \(limit) bytes"
        case .bodyTooSlow: "the body did not arrive in time"
        case .body(let error): error.description
        case .text(_, let error): error.description
        case .unknownModel(let name, let served):
            "there is no model '\(name.prefix(128))'; this server has '\(served)'"
        case .noChat(let reason): "this model cannot chat: \(reason)"
        case .starting: "the model is being loaded; try again soon"
        case .notReady(let text): text
        case .refused(let refusal): refusal.description
        case .cancelled: "the job was cancelled"
        case .failed(let reason): reason
        }
    }
}

extension JobRefusal {
    fileprivate var status: Int {
        switch self {
        case .shuttingDown, .queueFull, .busy: 503
        case .tooManyJobs: 429
        case .invalid, .taskTooLong, .noPriority: 400
        }
    }

    fileprivate var code: String? {
        switch self {
        case .queueFull, .busy: "queue_full"
        case .tooManyJobs: "rate_limit_exceeded"
        case .shuttingDown: "shutting_down"
        case .invalid(.promptTooLong(_, _)): "context_length_exceeded"
        case .invalid, .taskTooLong, .noPriority: "invalid_value"
        }
    }

    fileprivate var field: String? {
        guard case .invalid(let error) = self else { return nil }
        return switch error {
        case .emptyPrompt, .promptTooLong, .unknownToken: "prompt"
        case .noTokensWanted: "max_tokens"
        case .stopTexts: "stop"
        case .sampling(.outOfRange(let name, _, _)):
            String(name.map { $0 == "-" ? "_" : $0 })
        case .queueFull: nil
        }
    }
}
