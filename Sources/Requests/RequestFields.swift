import JSON

/// The fields of a JSON object, read one by one and remembered.
///
/// What has been read is also what is known: `finish` refuses every other field by name, so that
/// none is ever ignored. A field that is `null` counts as not given.
struct RequestFields {
    private let members: [String: JSONValue]
    private let order: [String]
    private let prefix: String
    private var known: Set<String> = []

    init(_ value: JSONValue) throws(BodyError) {
        guard case .object(let members) = value else { throw .notAnObject }
        self.init(members, prefix: "")
    }

    /// The fields of an object within a field of that name; nil where it is no object.
    init?(_ value: JSONValue, name: String) {
        guard case .object(let members) = value else { return nil }
        self.init(members, prefix: "\(name).")
    }

    private init(_ members: [JSONValue.Member], prefix: String) {
        self.members = Dictionary(members.map { ($0.key, $0.value) }) { first, _ in first }
        order = members.map(\.key)
        self.prefix = prefix
    }

    /// The name of a field as errors call it.
    func name(_ key: String) -> String { prefix + key }

    mutating func value(_ key: String) -> JSONValue? {
        known.insert(key)
        guard let value = members[key], value != .null else { return nil }
        return value
    }

    mutating func text(_ key: String) throws(BodyError) -> String? {
        guard let value = value(key) else { return nil }
        guard case .string(let text) = value else { throw wrong(key, value, "a string") }
        return text
    }

    mutating func bool(_ key: String) throws(BodyError) -> Bool? {
        guard let value = value(key) else { return nil }
        guard case .bool(let isTrue) = value else { throw wrong(key, value, "true or false") }
        return isTrue
    }

    /// A whole number; one with a point or an exponent counts where it is whole, too.
    mutating func whole(_ key: String, in range: ClosedRange<Int>) throws(BodyError) -> Int? {
        guard let value = value(key) else { return nil }
        let allowed = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        switch value {
        case .integer(let whole):
            guard range.contains(whole) else { throw outOfRange(key, "\(whole)", allowed) }
            return whole
        case .number(let number):
            guard let whole = Int(exactly: number), range.contains(whole) else {
                throw outOfRange(key, "\(number)", allowed)
            }
            return whole
        default: throw wrong(key, value, allowed)
        }
    }

    mutating func number(_ key: String, in range: ClosedRange<Double>) throws(BodyError) -> Double?
    {
        guard let value = value(key) else { return nil }
        let allowed = "a number from \(range.lowerBound) to \(range.upperBound)"
        let number: Double
        switch value {
        case .integer(let whole): number = Double(whole)
        case .number(let given): number = given
        default: throw wrong(key, value, allowed)
        }
        guard range.contains(number) else { throw outOfRange(key, "\(number)", allowed) }
        return number
    }

    /// One string, or several in an array.
    mutating func texts(_ key: String) throws(BodyError) -> [String]? {
        guard let value = value(key) else { return nil }
        let expected = "a string or an array of strings"
        switch value {
        case .string(let text): return [text]
        case .array(let elements):
            var texts: [String] = []
            for element in elements {
                guard case .string(let text) = element else { throw wrong(key, element, expected) }
                texts.append(text)
            }
            return texts
        default: throw wrong(key, value, expected)
        }
    }

    /// The fields of an object within.
    mutating func object(_ key: String) throws(BodyError) -> RequestFields? {
        guard let value = value(key) else { return nil }
        guard case .object(let members) = value else { throw wrong(key, value, "an object") }
        return RequestFields(members, prefix: "\(name(key)).")
    }

    /// A field that others know, and that changes nothing as long as it has one of these values.
    mutating func neutral(
        _ key: String,
        _ values: [JSONValue],
        otherwise reason: String
    ) throws(BodyError) {
        guard let value = value(key), !values.contains(value) else { return }
        throw .unsupported(name(key), reason)
    }

    /// - Throws: `BodyError.unknownField` for the first field that was not read.
    func finish() throws(BodyError) {
        guard let key = order.first(where: { !known.contains($0) }) else { return }
        throw .unknownField(name(key))
    }

    func wrong(_ key: String, _ value: JSONValue, _ expected: String) -> BodyError {
        .wrongType(name(key), expected: expected, found: value.kind)
    }

    func outOfRange(_ key: String, _ value: String, _ allowed: String) -> BodyError {
        .outOfRange(name(key), value: value, allowed: allowed)
    }
}
