/// Why bytes are not a JSON text that can be read; places are offsets in bytes.
public enum JSONError: Error, Equatable, Sendable {
    /// Something else stands where this was expected.
    case unexpected(Int, String)
    /// Text that is not UTF-8, or half of a surrogate pair.
    case invalidText(Int)
    case numberTooLarge(Int)
    case keyTwice(String)
    case tooDeep(Int)
    case tooMany(Int)
}

extension JSONError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unexpected(let place, let wanted):
            "at byte \(place) of the JSON there should be \(wanted)"
        case .invalidText(let place):
            "the string at byte \(place) of the JSON is not valid Unicode"
        case .numberTooLarge(let place):
            "the number at byte \(place) of the JSON is too large"
        case .keyTwice(let key): "the JSON has the key '\(key.prefix(64))' twice"
        case .tooDeep(let limit): "the JSON is nested more than \(limit) deep; flatten it"
        case .tooMany(let limit): "the JSON has more than \(limit) values or keys"
        }
    }
}
