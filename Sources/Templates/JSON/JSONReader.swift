/// Reads JSON, with keys in order.
///
/// Strict: what RFC 8259 does not allow is refused. Whole numbers that fit are `int`, all others
/// `float`. Of keys that stand twice the last one counts.
struct JSONReader {
    private static let depthLimit = 128

    private let bytes: [UInt8]
    private var position = 0

    static func value(of bytes: [UInt8]) throws(JSONError) -> TemplateValue {
        var reader = JSONReader(bytes: bytes)
        let value = try reader.readValue(depth: 0)
        reader.skipSpaces()
        guard reader.position == bytes.count else { throw .trailing(offset: reader.position) }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func failure(_ expected: String) -> JSONError {
        .unexpected(offset: position, expected: expected)
    }

    private mutating func skipSpaces() {
        while let byte = current, [0x20, 0x0A, 0x0D, 0x09].contains(byte) { position += 1 }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    private mutating func readValue(depth: Int) throws(JSONError) -> TemplateValue {
        skipSpaces()
        switch current {
        case UInt8(ascii: "{"): return try readObject(depth: depth)
        case UInt8(ascii: "["): return try readArray(depth: depth)
        case UInt8(ascii: "\""): return .string(try readString())
        case UInt8(ascii: "t"): return try readWord("true", .bool(true))
        case UInt8(ascii: "f"): return try readWord("false", .bool(false))
        case UInt8(ascii: "n"): return try readWord("null", .none)
        default: return try readNumber()
        }
    }

    private mutating func readWord(
        _ word: String,
        _ value: TemplateValue
    ) throws(JSONError) -> TemplateValue {
        guard bytes[position...].starts(with: word.utf8) else { throw failure("'\(word)'") }
        position += word.utf8.count
        return value
    }

    private mutating func readArray(depth: Int) throws(JSONError) -> TemplateValue {
        guard depth < Self.depthLimit else { throw .tooDeep(limit: Self.depthLimit) }
        position += 1
        var items: [TemplateValue] = []
        skipSpaces()
        if skip(UInt8(ascii: "]")) { return .list([]) }
        repeat {
            items.append(try readValue(depth: depth + 1))
            skipSpaces()
        } while skip(UInt8(ascii: ","))
        guard skip(UInt8(ascii: "]")) else { throw failure("',' or ']'") }
        return .list(items)
    }

    private mutating func readObject(depth: Int) throws(JSONError) -> TemplateValue {
        guard depth < Self.depthLimit else { throw .tooDeep(limit: Self.depthLimit) }
        position += 1
        var entries = TemplateDictionary()
        skipSpaces()
        if skip(UInt8(ascii: "}")) { return .dictionary(entries) }
        repeat {
            skipSpaces()
            guard current == UInt8(ascii: "\"") else { throw failure("a key in quotes") }
            let key = try readString()
            skipSpaces()
            guard skip(UInt8(ascii: ":")) else { throw failure("':'") }
            entries[key] = try readValue(depth: depth + 1)
            skipSpaces()
        } while skip(UInt8(ascii: ","))
        guard skip(UInt8(ascii: "}")) else { throw failure("',' or '}'") }
        return .dictionary(entries)
    }

    private mutating func readString() throws(JSONError) -> String {
        let start = position
        position += 1
        var content: [UInt8] = []
        while let byte = current, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw failure("no control character in quotes") }
            position += 1
            guard byte == UInt8(ascii: "\\") else {
                content.append(byte)
                continue
            }
            content += try readEscape()
        }
        guard skip(UInt8(ascii: "\"")) else { throw failure("the end of a text in quotes") }
        guard let string = String(validating: content, as: UTF8.self) else {
            throw .unexpected(offset: start, expected: "a text of valid UTF-8")
        }
        return string
    }

    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "\""): 0x22, UInt8(ascii: "\\"): 0x5C, UInt8(ascii: "/"): 0x2F,
        UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0C, UInt8(ascii: "n"): 0x0A,
        UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09,
    ]

    private mutating func readEscape() throws(JSONError) -> [UInt8] {
        guard let letter = current else { throw failure("an escaped character") }
        if let plain = Self.escapes[letter] {
            position += 1
            return [plain]
        }
        let first = try readUnit()
        guard (0xD800..<0xDC00).contains(first) else {
            guard let scalar = Unicode.Scalar(first) else {
                throw failure("the first half of a pair in front")
            }
            return Array(String(scalar).utf8)
        }
        guard skip(UInt8(ascii: "\\")) else { throw failure("the second half of a pair") }
        let second = try readUnit()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw failure("the second half of a pair in front") }
        return Array(String(scalar).utf8)
    }

    /// `u` and four digits.
    private mutating func readUnit() throws(JSONError) -> UInt32 {
        guard skip(UInt8(ascii: "u")) else { throw failure("an escaped character") }
        let digits = bytes[position...].prefix(4)
        let isHexadecimal = digits.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte & 0xDF)
        }
        guard digits.count == 4, isHexadecimal,
            let unit = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw failure("four hexadecimal digits") }
        position += 4
        return unit
    }

    private mutating func readNumber() throws(JSONError) -> TemplateValue {
        let start = position
        _ = skip(UInt8(ascii: "-"))
        let hasZero = current == UInt8(ascii: "0")
        let wholeCount = skipDigits()
        guard wholeCount > 0, !hasZero || wholeCount == 1 else { throw failure("a value") }
        var isWhole = true
        if skip(UInt8(ascii: ".")) {
            isWhole = false
            guard skipDigits() > 0 else { throw failure("a digit") }
        }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            isWhole = false
            _ = skip(UInt8(ascii: "+")) || skip(UInt8(ascii: "-"))
            guard skipDigits() > 0 else { throw failure("a digit") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let value = Int(text) { return .int(value) }
        guard let value = Double(text), value.isFinite else {
            throw .unexpected(offset: start, expected: "a number that is not too large")
        }
        return .float(value)
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while let byte = current, (0x30...0x39).contains(byte) { position += 1 }
        return position - start
    }
}

extension TemplateValue {
    /// Reads JSON, with keys in order.
    ///
    /// - Throws: where it is no JSON, or that it is nested too deep.
    public init(json bytes: [UInt8]) throws(JSONError) { self = try JSONReader.value(of: bytes) }

    public init(json text: String) throws(JSONError) { try self.init(json: Array(text.utf8)) }
}
