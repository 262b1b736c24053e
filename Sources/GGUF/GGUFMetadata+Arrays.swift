/// Getters for arrays.
extension GGUFMetadata {
    /// An array of strings, as bytes: tokens need not be UTF-8.
    public func strings(_ key: String) throws(GGUFError) -> [[UInt8]] {
        try require(stringsIfPresent(key), key)
    }

    public func stringsIfPresent(_ key: String) throws(GGUFError) -> [[UInt8]]? {
        switch self[key] {
        case nil: return nil
        case .array(.strings(let strings)): return Array(strings)
        case .some(let value): throw mismatch(key, value, "an array of strings")
        }
    }

    /// An array of integers of any type.
    public func ints(_ key: String) throws(GGUFError) -> [Int] {
        try require(intsIfPresent(key), key)
    }

    public func intsIfPresent(_ key: String) throws(GGUFError) -> [Int]? {
        guard let value = self[key] else { return nil }
        switch value {
        case .array(.uint8(let values)): return values.map { Int($0) }
        case .array(.int8(let values)): return values.map { Int($0) }
        case .array(.uint16(let values)): return values.map { Int($0) }
        case .array(.int16(let values)): return values.map { Int($0) }
        case .array(.uint32(let values)): return values.map { Int($0) }
        case .array(.int32(let values)): return values.map { Int($0) }
        case .array(.int64(let values)): return values.map { Int($0) }
        case .array(.uint64(let values)):
            if let large = values.first(where: { $0 > UInt64(Int.max) }) {
                throw outOfRange(key, "\(large)", "at most \(Int.max)")
            }
            return values.map { Int($0) }
        default: throw mismatch(key, value, "an array of integers")
        }
    }

    /// An array of numbers of either float type, none of them NaN.
    public func floats(_ key: String) throws(GGUFError) -> [Float] {
        try require(floatsIfPresent(key), key)
    }

    public func floatsIfPresent(_ key: String) throws(GGUFError) -> [Float]? {
        let result: [Float]
        switch self[key] {
        case nil: return nil
        case .array(.float32(let values)): result = values
        case .array(.float64(let values)): result = values.map { Float($0) }
        case .some(let value): throw mismatch(key, value, "an array of floats")
        }
        guard !result.contains(where: \.isNaN) else { throw error(key, .notFinite("nan")) }
        return result
    }
}
