/// Reads JSON texts of strangers (RFC 8259), within limits.
///
/// Stricter than many readers: one value and nothing after it, no key twice, no half of a
/// surrogate pair, no number beyond what a double holds.
struct JSONReader {
    /// What a text may hold.
    struct Limits: Sendable {
        /// Arrays and objects inside one another; each takes some of the thread's stack.
        var depth = 64
        /// Values in all, each of which takes far more memory than its bytes.
        var valueCount = 1 << 20
        /// Keys of one object, which are compared with one another.
        var keyCount = 1024
    }

    private let bytes: [UInt8]
    private let limits: Limits
    private var position = 0
    private var valueCount = 0

    private init(_ bytes: [UInt8], limits: Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// The value of a whole text.
    static func value(
        of bytes: [UInt8],
        limits: Limits = Limits()
    ) throws(JSONError) -> JSONValue {
        var reader = JSONReader(bytes, limits: limits)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.next == nil else { throw .unexpected(reader.position, "the end") }
        return value
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { position += 1 }
    }

    /// Takes a byte if it comes next.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        valueCount += 1
        guard depth <= limits.depth else { throw .tooDeep(limits.depth) }
        guard valueCount <= limits.valueCount else { throw .tooMany(limits.valueCount) }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(JSONError)
        -> JSONValue
    {
        let wanted = Array("\(text)".utf8)
        guard bytes[position...].starts(with: wanted) else {
            throw .unexpected(position, "a value")
        }
        position += wanted.count
        return value
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take("]") { return .array(elements) }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if take("]") { return .array(elements) }
            guard take(",") else { throw .unexpected(position, "a comma or ]") }
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        position += 1
        var members: [JSONValue.Member] = []
        var keys: Set<String> = []
        skipSpace()
        if take("}") { return .object(members) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw .unexpected(position, "a key") }
            let key = try string()
            guard keys.insert(key).inserted else { throw .keyTwice(key) }
            guard keys.count <= limits.keyCount else { throw .tooMany(limits.keyCount) }
            skipSpace()
            guard take(":") else { throw .unexpected(position, "a colon") }
            members.append(JSONValue.Member(key, try value(depth: depth + 1)))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw .unexpected(position, "a comma or }") }
        }
    }

    // MARK: Numbers

    private mutating func digits() throws(JSONError) {
        guard isDigit else { throw .unexpected(position, "a value") }
        while isDigit { position += 1 }
    }

    private var isDigit: Bool {
        next.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        var isWhole = true
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") {
            isWhole = false
            try digits()
        }
        if take("e") || take("E") {
            isWhole = false
            if !take("-") { _ = take("+") }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let whole = Int(text) { return .integer(whole) }
        guard let number = Double(text), number.isFinite else { throw .numberTooLarge(start) }
        return .number(number)
    }

    // MARK: Strings

    private mutating func string() throws(JSONError) -> String {
        let start = position
        position += 1
        var text: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw .invalidText(start)
                }
                return string
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw .unexpected(position - 1, "no control character in a string")
            default: text.append(byte)
            }
        }
        throw .unexpected(position, "the end of a string")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        let start = position - 1
        guard let byte = next else { throw .unexpected(position, "an escape") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text += "\(try scalar(from: start))".utf8
        default: throw .unexpected(start, "an escape that JSON knows")
        }
    }

    /// The character of one `\u` escape, or of a pair of surrogates.
    private mutating func scalar(from start: Int) throws(JSONError) -> Unicode.Scalar {
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard UTF16.isLeadSurrogate(first), take("\\"), take("u") else { throw .invalidText(start) }
        let second = try codeUnit()
        guard UTF16.isTrailSurrogate(second) else { throw .invalidText(start) }
        let offset = UInt32(first - 0xd800) << 10 | UInt32(second - 0xdc00)
        guard let scalar = Unicode.Scalar(0x10000 + offset) else { throw .invalidText(start) }
        return scalar
    }

    private mutating func codeUnit() throws(JSONError) -> UInt16 {
        guard position + 4 <= bytes.count else { throw .unexpected(position, "four digits") }
        let text = String(decoding: bytes[position..<position + 4], as: UTF8.self)
        // The reader of integers takes a sign.
        guard text.utf8.allSatisfy({ $0 > UInt8(ascii: "-") }), let unit = UInt16(text, radix: 16)
        else { throw .unexpected(position, "four digits") }
        position += 4
        return unit
    }
}
