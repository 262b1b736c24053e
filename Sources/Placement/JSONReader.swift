/// What a file's error has to be able to say for `JSONReader` to throw it.
protocol JSONFailure: Error {
    static func malformed(place: String, line: Int, reason: String) -> Self
    static func tooMany(what: String, limit: Int) -> Self
}

extension PlanError: JSONFailure {}
extension ProfileError: JSONFailure {}

/// Reads the JSON that plan and profile files are made of, and says where it went wrong.
///
/// Knows objects with fixed keys, arrays, numbers, strings and null: all that those files have.
/// Foundation's reader reports a fraction or an overflow as "not valid JSON" without a place,
/// accepts repeated keys, and ignores unknown ones, which in a plan are misspelt ones.
struct JSONReader<Failure: JSONFailure> {
    /// What is being read, in the words of the file; part of every error.
    var place = "the top level"
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The first byte of the next value or sign, or nil at the end.
    mutating func peek() -> UInt8? {
        while position < bytes.count, Self.isSpace(bytes[position]) { position += 1 }
        return position < bytes.count ? bytes[position] : nil
    }

    /// An object with some of `keys`, each at most once; `member` reads the value.
    ///
    /// - Returns: the keys that were there.
    @discardableResult
    mutating func object(
        keys: [String],
        _ member: (inout Self, String) throws(Failure) -> Void
    ) throws(Failure) -> Set<String> {
        var seen: Set<String> = []
        try expect("{")
        while peek() != UInt8(ascii: "}") {
            if !seen.isEmpty { try expect(",") }
            let key = try string()
            guard keys.contains(key) else {
                throw fault("unknown key \"\(key)\"; known are \(keys.joined(separator: ", "))")
            }
            guard seen.insert(key).inserted else { throw fault("\"\(key)\" appears twice") }
            try expect(":")
            try member(&self, key)
        }
        try expect("}")
        return seen
    }

    /// An array of at most `limit` elements; `element` reads the one of the given index.
    mutating func array(
        of what: String,
        limit: Int,
        _ element: (inout Self, Int) throws(Failure) -> Void
    ) throws(Failure) {
        var count = 0
        try expect("[")
        while peek() != UInt8(ascii: "]") {
            if count > 0 { try expect(",") }
            guard count < limit else { throw .tooMany(what: what, limit: limit) }
            try element(&self, count)
            count += 1
        }
        try expect("]")
    }

    /// A finite number, with or without a fraction.
    mutating func number() throws(Failure) -> Double {
        _ = peek()
        if let short = shortInteger() { return Double(short) }
        let text = take { !Self.isSpace($0) && !Self.isSign($0) }
        let first = text.utf8.first ?? 0
        let last = text.utf8.last ?? 0
        // Double also takes "nan", "0x10", "+1" and "inf", which JSON does not have.
        let isPlain = text.utf8.allSatisfy(Self.isOfNumbers) && Self.isDigit(last)
        guard isPlain, first == UInt8(ascii: "-") || Self.isDigit(first), let number = Double(text),
            number.isFinite
        else { throw fault("expected a number, not '\(text)'") }
        return number
    }

    /// Whole numbers of a few digits, which most of a profile is, without the way over text.
    private mutating func shortInteger() -> Int? {
        var value = 0
        var end = position
        while end < bytes.count, Self.isDigit(bytes[end]), end - position < 9 {
            value = value * 10 + Int(bytes[end] - UInt8(ascii: "0"))
            end += 1
        }
        guard end > position, end < bytes.count else { return nil }
        guard Self.isSpace(bytes[end]) || Self.isSign(bytes[end]) else { return nil }
        position = end
        return value
    }

    mutating func integer<Number: FixedWidthInteger>() throws(Failure) -> Number {
        _ = peek()
        let text = take { !Self.isSpace($0) && !Self.isSign($0) }
        guard let number = Number(text), text.first != "+" else {
            throw fault(
                "expected a whole number from \(Number.min) to \(Number.max), not '\(text)'"
            )
        }
        return number
    }

    /// Whether the value is null; reads it if so.
    mutating func null() -> Bool {
        guard peek() == UInt8(ascii: "n"), bytes[position...].starts(with: "null".utf8) else {
            return false
        }
        position += 4
        return true
    }

    /// A string without escapes; neither keys nor names need any.
    mutating func string() throws(Failure) -> String {
        try expect("\"")
        let text = take { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 >= 32 }
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            throw fault("a string of at most \(Self.longestText) plain characters must end here")
        }
        position += 1
        return text
    }

    /// - Throws: for every key that is not among those `seen`.
    func require(_ keys: [String], in seen: Set<String>) throws(Failure) {
        for key in keys where !seen.contains(key) {
            throw fault("\"\(key)\" is missing")
        }
    }

    mutating func end() throws(Failure) {
        guard peek() == nil else { throw fault("expected nothing more") }
    }

    func fault(_ reason: String) -> Failure {
        let before = bytes.prefix(position)
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        return .malformed(place: place, line: line, reason: reason)
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(Failure) {
        guard let byte = peek() else {
            throw fault("expected '\(character)', not the end of the file")
        }
        guard byte == UInt8(ascii: character) else {
            throw fault("expected '\(character)', not '\(Character(Unicode.Scalar(byte)))'")
        }
        position += 1
    }

    /// Consumes bytes while they match, as many as an error message may show.
    private mutating func take(while matches: (UInt8) -> Bool) -> String {
        let taken = bytes[position...].prefix(Self.longestText).prefix(while: matches)
        position += taken.count
        return String(decoding: taken, as: UTF8.self)
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 32 || (9...10).contains(byte) || byte == 13
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    private static func isOfNumbers(_ byte: UInt8) -> Bool {
        isDigit(byte) || [43, 45, 46, 69, 101].contains(byte)  // + - . E e
    }

    private static func isSign(_ byte: UInt8) -> Bool {
        switch UnicodeScalar(byte) {
        case ",", ":", "[", "]", "{", "}", "\"": true
        default: false
        }
    }

    /// Longer than any key, name or number of a plan.
    private static var longestText: Int { 128 }
}
