/// Why a text is no JSON.
public enum JSONError: Error, Equatable, Sendable {
    case unexpected(offset: Int, expected: String)
    case tooDeep(limit: Int)
    case trailing(offset: Int)
}

extension JSONError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unexpected(let offset, let expected):
            "at byte \(offset) of the JSON \(expected) must stand"
        case .tooDeep(let limit): "the JSON is nested more than \(limit) deep; flatten it"
        case .trailing(let offset): "the JSON ends at byte \(offset), but more follows; remove it"
        }
    }
}
