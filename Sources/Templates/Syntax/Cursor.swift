/// A place in a template's bytes, and the line it is in.
struct Cursor {
    let bytes: [UInt8]
    private(set) var position = 0
    private(set) var line = 1

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    func byte(at place: Int) -> UInt8? { place < bytes.count ? bytes[place] : nil }

    mutating func advance(to place: Int) {
        for byte in bytes[position..<place] where byte == .newline { line += 1 }
        position = place
    }

    mutating func take(to end: Int) -> ArraySlice<UInt8> {
        defer { advance(to: end) }
        return bytes[position..<end]
    }

    func starts(with text: String, at place: Int) -> Bool {
        bytes.dropFirst(place).starts(with: text.utf8)
    }

    func firstPlace(of text: String, from start: Int) -> Int? {
        guard let first = text.utf8.first else { return nil }
        var place = start
        while let found = bytes[min(place, bytes.count)...].firstIndex(of: first) {
            if starts(with: text, at: found) { return found }
            place = found + 1
        }
        return nil
    }

    func find(
        _ text: String,
        atOrAfter start: Int,
        orElse error: () -> TemplateError
    ) throws(TemplateError) -> Int {
        guard let place = firstPlace(of: text, from: start) else { throw error() }
        return place
    }

    func sign(at place: Int) -> UInt8? {
        guard let byte = byte(at: place) else { return nil }
        return byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") ? byte : nil
    }

    /// The next `{%`, `{{` or `{#`.
    func nextOpening() -> Opening? {
        var place = position
        while let start = bytes[place...].firstIndex(of: UInt8(ascii: "{")) {
            let kind: Opening.Kind? =
                switch byte(at: start + 1) {
                case UInt8(ascii: "%"): .block
                case UInt8(ascii: "{"): .variable
                case UInt8(ascii: "#"): .comment
                default: nil
                }
            if let kind { return Opening(kind: kind, start: start, sign: sign(at: start + 2)) }
            place = start + 1
        }
        return nil
    }

    /// Where a tag ends that begins at `start` and has nothing but a name.
    func rawTagEnd(from start: Int, name: String = "raw") -> (end: Int, sign: UInt8)? {
        var tag = self
        tag.advance(to: start + (sign(at: start + 2) == nil ? 2 : 3))
        tag.skipSpaces()
        guard tag.starts(with: name, at: tag.position) else { return nil }
        tag.advance(to: tag.position + name.utf8.count)
        tag.skipSpaces()
        guard let sign = tag.takeTagEnd(isBlock: true) else { return nil }
        return (tag.position, sign)
    }

    /// Takes `%}` or `}}` and the sign in front of it, 0 where there is none.
    mutating func takeTagEnd(isBlock: Bool) -> UInt8? {
        let end = isBlock ? "%}" : "}}"
        let sign = sign(at: position)
        if let sign, isBlock || sign == UInt8(ascii: "-"), starts(with: end, at: position + 1) {
            advance(to: position + 3)
            return sign
        }
        guard starts(with: end, at: position) else { return nil }
        advance(to: position + 2)
        return 0
    }

    mutating func skipSpaces() {
        while let scalar = currentScalar, Text.isSpace(scalar) {
            advance(to: position + UTF8.width(scalar))
        }
    }

    private var currentScalar: Unicode.Scalar? {
        guard let byte = current else { return nil }
        guard byte >= 0x80 else { return Unicode.Scalar(byte) }
        return String(decoding: bytes[position...].prefix(4), as: UTF8.self).unicodeScalars.first
    }

    // MARK: Tokens

    /// The longest signs first.
    private static let signs = [
        "//", "**", "==", "!=", ">=", "<=",
        "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|",
        ",", ";",
    ]

    mutating func takeToken() throws(TemplateError) -> Token.Kind {
        let byte = current ?? 0
        if Self.isDigit(byte) { return try takeNumber() }
        if Self.isWord(byte) {
            let end = bytes[position...].firstIndex { !Self.isWord($0) } ?? bytes.count
            return .name(String(decoding: take(to: end), as: UTF8.self))
        }
        if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") { return try takeString(byte) }
        if let sign = Self.signs.first(where: { starts(with: $0, at: position) }) {
            advance(to: position + sign.utf8.count)
            return .sign(sign)
        }
        let found = currentScalar.map { "'\($0)'" } ?? "nothing"
        throw failure(.unexpected(found: found, expected: "a name, a value or an operator"))
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isWord(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == UInt8(ascii: "_") || byte >= 0x80
            || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private func failure(_ problem: TemplateError.Problem) -> TemplateError {
        TemplateError(line: line, problem: problem)
    }

    private mutating func takeString(_ quote: UInt8) throws(TemplateError) -> Token.Kind {
        var end = position + 1
        while let byte = byte(at: end), byte != quote {
            end += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        guard byte(at: end) == quote else {
            let mark = String(Unicode.Scalar(quote))
            throw failure(.unfinished("a text in quotes", end: mark))
        }
        let start = line
        let content = bytes[position + 1..<end]
        advance(to: end + 1)
        do throws(TemplateError.Problem) {
            return .string(try Escapes.decoded(content))
        } catch {
            throw TemplateError(line: start, problem: error)
        }
    }

    private mutating func takeNumber() throws(TemplateError) -> Token.Kind {
        if let value = try takeRadixNumber() { return .int(value) }
        // `x.0.1` are two indices, not a number.
        let mayBeFloat = position == 0 || bytes[position - 1] != UInt8(ascii: ".")
        let whole = endOfDigits(from: position)
        var end = whole
        if mayBeFloat, byte(at: end) == UInt8(ascii: "."), isDigit(at: end + 1) {
            end = endOfDigits(from: end + 1)
        }
        if mayBeFloat, let letter = byte(at: end), letter | 0x20 == UInt8(ascii: "e") {
            let digits = end + (sign(at: end + 1) == nil ? 1 : 2)
            if isDigit(at: digits) { end = endOfDigits(from: digits) }
        }
        let text = String(decoding: take(to: end).filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
        if end == whole {
            guard let value = Int(text) else { throw failure(.notInRange("the number \(text)")) }
            return .int(value)
        }
        return .float(Double(text) ?? .infinity)
    }

    private func isDigit(at place: Int) -> Bool { byte(at: place).map(Self.isDigit) ?? false }

    /// Digits, with single underscores between them.
    private func endOfDigits(from start: Int) -> Int {
        var end = start
        while isDigit(at: end) || byte(at: end) == UInt8(ascii: "_") && isDigit(at: end + 1) {
            end += 1
        }
        return end
    }

    /// `0x1F`, `0o17` or `0b11`.
    private mutating func takeRadixNumber() throws(TemplateError) -> Int? {
        let radices: [UInt8: Int] = [0x78: 16, 0x6F: 8, 0x62: 2]
        guard current == UInt8(ascii: "0"), let letter = byte(at: position + 1),
            let radix = radices[letter | 0x20]
        else { return nil }
        let end = bytes[(position + 2)...].firstIndex { !Self.isWord($0) } ?? bytes.count
        let text = String(decoding: take(to: end).dropFirst(2), as: UTF8.self)
        guard let value = Int(text.filter { $0 != "_" }, radix: radix) else {
            throw failure(.notInRange("the number '\(text)'"))
        }
        return value
    }
}
