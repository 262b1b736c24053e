package import JSON

/// Why a request's body asks for nothing that can be done.
package enum BodyError: Error, Equatable {
    case json(JSONError)
    case notAnObject
    case missingField(String)
    case wrongType(String, expected: String, found: String)
    case outOfRange(String, value: String, allowed: String)
    case unknownField(String)
    case unsupported(String, String)
    /// The chat template refuses the conversation.
    case template(String)
}

extension BodyError {
    /// A word for programs; nil where there is none.
    package var code: String? {
        switch self {
        case .json: "invalid_json"
        case .missingField: "missing_required_parameter"
        case .wrongType: "invalid_type"
        case .outOfRange: "invalid_value"
        case .unknownField: "unknown_parameter"
        case .unsupported: "unsupported_parameter"
        case .notAnObject, .template: nil
        }
    }

    /// The field of the body that is to blame.
    package var field: String? {
        switch self {
        case .missingField(let name), .wrongType(let name, _, _), .outOfRange(let name, _, _),
            .unknownField(let name), .unsupported(let name, _):
            name
        case .template: "messages"
        case .json, .notAnObject: nil
        }
    }
}

extension BodyError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .json(let error): "the body cannot be read: \(error)"
        case .notAnObject: "the body must be a JSON object"
        case .missingField(let name): "\(name) is missing"
        case .wrongType(let name, let expected, let found):
            "\(name) is \(found); it must be \(expected)"
        case .outOfRange(let name, let value, let allowed):
            "\(name) is \(value.prefix(64)); it must be \(allowed)"
        case .unknownField(let name): "there is no field '\(name.prefix(64))'"
        case .unsupported(let name, let reason): "\(name) is not supported: \(reason)"
        case .template(let reason): "the conversation cannot be made a prompt: \(reason)"
        }
    }
}
