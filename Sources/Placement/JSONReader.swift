/// Reads the JSON that plan files are made of, and says where it went wrong.
///
/// Knows objects with fixed keys, arrays, integers and plain strings: all that plans have.
/// Foundation's reader reports a fraction or an overflow as "not valid JSON" without a place,
/// accepts repeated keys, and ignores unknown ones, which in a plan are misspelt ones.
struct JSONReader {
    /// What is being read, in the words of plans; part of every error.
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
        _ member: (inout JSONReader, String) throws(PlanError) -> Void
    ) throws(PlanError) -> Set<String> {
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
        _ element: (inout JSONReader, Int) throws(PlanError) -> Void
    ) throws(PlanError) {
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

    mutating func integer<Number: FixedWidthInteger>() throws(PlanError) -> Number {
        _ = peek()
        let text = take { !Self.isSpace($0) && !Self.isSign($0) }
        guard let number = Number(text), text.first != "+" else {
            throw fault(
                "expected a whole number from \(Number.min) to \(Number.max), not '\(text)'"
            )
        }
        return number
    }

    /// A string without escapes; neither keys nor worker names need any.
    mutating func string() throws(PlanError) -> String {
        try expect("\"")
        let text = take { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 >= 32 }
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            throw fault("a string of at most \(Self.longestText) plain characters must end here")
        }
        position += 1
        return text
    }

    mutating func end() throws(PlanError) {
        guard peek() == nil else { throw fault("expected nothing more") }
    }

    func fault(_ reason: String) -> PlanError {
        let before = bytes.prefix(position)
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        return .malformed(place: place, line: line, reason: reason)
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(PlanError) {
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

    private static func isSign(_ byte: UInt8) -> Bool {
        switch UnicodeScalar(byte) {
        case ",", ":", "[", "]", "{", "}", "\"": true
        default: false
        }
    }

    /// Longer than any key, name or number of a plan.
    private static let longestText = 128
}
