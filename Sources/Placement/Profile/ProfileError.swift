/// Why a profile or a trace cannot be used.
public enum ProfileError: Error, Hashable {
    case fileTooLarge(byteCount: Int, limit: Int)
    /// `place` is where in the file: "\"activations\" of layer 3".
    case malformed(place: String, line: Int, reason: String)
    case tooMany(what: String, limit: Int)
    /// A count that is negative or higher than the rows permit.
    case badCount(place: String, count: Double, rows: Double)
    /// A pair of experts that does not exist, is out of order or comes twice.
    case badPair(place: String, first: Int, second: Int, reason: String)
    /// `offset` is where in the trace's bytes.
    case badTrace(offset: Int, reason: String)
    /// What a former life has counted is damaged; `offset` is where in the file's bytes.
    case badCounts(offset: Int, reason: String)
    /// What a former life has counted is of another model file.
    case otherModel(found: String, expected: String)
}

extension ProfileError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .fileTooLarge(let byteCount, let limit):
            "the profile has \(byteCount) bytes; at most \(limit) are read"
        case .malformed(let place, let line, let reason):
            "the profile is malformed at \(place) (line \(line)): \(reason)"
        case .tooMany(let what, let limit):
            "the profile has more \(what) than the limit of \(limit)"
        case .badCount(let place, let count, let rows):
            "the profile counts \(count) in \(place); it must be 0 to \(rows), its rows"
        case .badPair(let place, let first, let second, let reason):
            "the profile's pair of experts \(first) and \(second) in \(place) \(reason)"
        case .badTrace(let offset, let reason):
            "the trace is damaged at byte \(offset): \(reason)"
        case .badCounts(let offset, let reason):
            "the counts are damaged at byte \(offset): \(reason)"
        case .otherModel(let found, let expected):
            "the counts are of another model (\(found)), not of this one (\(expected))"
        }
    }
}
