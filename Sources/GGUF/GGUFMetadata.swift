/// The keys of a model file and their values, in the file's order.
///
/// Getters throw an error that names file, key, and what was expected and found. The
/// `…IfPresent` forms differ only in answering nil for an absent key: a key of the wrong type is
/// an error in both.
public struct GGUFMetadata: Equatable, Sendable {
    public typealias Entry = (key: String, value: GGUFValue)

    /// The file that errors name.
    public let path: String
    private var keys: [String] = []
    private var values: [String: GGUFValue] = [:]

    public init(path: String) { self.path = path }

    public var count: Int { keys.count }

    public var entries: [Entry] { keys.compactMap { key in values[key].map { (key, $0) } } }

    /// The value of a key; setting nil removes the key.
    public subscript(key: String) -> GGUFValue? {
        get { values[key] }
        set {
            let old = values.updateOrRemove(newValue, forKey: key)
            if old == nil, newValue != nil { keys.append(key) }
            if old != nil, newValue == nil { keys.removeAll { $0 == key } }
        }
    }

    /// An integer of any type that is not negative.
    public func uint(_ key: String) throws(GGUFError) -> Int {
        try require(uintIfPresent(key), key)
    }

    public func uintIfPresent(_ key: String) throws(GGUFError) -> Int? {
        guard let value = values[key] else { return nil }
        guard let integer = value.integer else { throw mismatch(key, value, "an integer") }
        guard let result = Int(exactly: integer), result >= 0 else {
            throw outOfRange(key, "\(integer)", "0 to \(Int.max)")
        }
        return result
    }

    /// An integer of any type.
    public func int(_ key: String) throws(GGUFError) -> Int {
        try require(intIfPresent(key), key)
    }

    public func intIfPresent(_ key: String) throws(GGUFError) -> Int? {
        guard let value = values[key] else { return nil }
        guard let integer = value.integer else { throw mismatch(key, value, "an integer") }
        guard let result = Int(exactly: integer) else {
            throw outOfRange(key, "\(integer)", "\(Int.min) to \(Int.max)")
        }
        return result
    }

    /// A finite number, of either float type.
    public func float(_ key: String) throws(GGUFError) -> Float {
        try require(floatIfPresent(key), key)
    }

    public func floatIfPresent(_ key: String) throws(GGUFError) -> Float? {
        let result: Float
        switch values[key] {
        case nil: return nil
        case .float32(let value): result = value
        case .float64(let value): result = Float(value)
        case .some(let value): throw mismatch(key, value, "float32 or float64")
        }
        guard result.isFinite else { throw error(key, .notFinite("\(result)")) }
        return result
    }

    public func bool(_ key: String) throws(GGUFError) -> Bool {
        try require(boolIfPresent(key), key)
    }

    public func boolIfPresent(_ key: String) throws(GGUFError) -> Bool? {
        switch values[key] {
        case nil: return nil
        case .bool(let value): return value
        case .some(let value): throw mismatch(key, value, "bool")
        }
    }

    /// A string of valid UTF-8.
    public func string(_ key: String) throws(GGUFError) -> String {
        try require(stringIfPresent(key), key)
    }

    public func stringIfPresent(_ key: String) throws(GGUFError) -> String? {
        switch values[key] {
        case nil: return nil
        case .string(let bytes):
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw error(key, .notText)
            }
            return text
        case .some(let value): throw mismatch(key, value, "string")
        }
    }

    func require<Value>(_ value: Value?, _ key: String) throws(GGUFError) -> Value {
        guard let value else { throw error(key, .missing) }
        return value
    }

    func mismatch(_ key: String, _ value: GGUFValue, _ expected: String) -> GGUFError {
        error(key, .wrongType(found: value.typeDescription, expected: expected))
    }

    func outOfRange(_ key: String, _ value: String, _ expected: String) -> GGUFError {
        error(key, .outOfRange(value: value, expected: expected))
    }

    func error(_ key: String, _ problem: GGUFError.Problem) -> GGUFError {
        GGUFError(path: path, subject: .key(key), problem: problem)
    }
}

extension Dictionary {
    /// Stores `value` or removes the key; returns what was there.
    fileprivate mutating func updateOrRemove(_ value: Value?, forKey key: Key) -> Value? {
        guard let value else { return removeValue(forKey: key) }
        return updateValue(value, forKey: key)
    }
}
