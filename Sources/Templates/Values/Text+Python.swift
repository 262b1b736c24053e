/// What Python's methods of strings do.
extension Text {
    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
    }

    /// Without those code points at its ends for which `isDropped` holds.
    func stripped(
        left: Bool = true,
        right: Bool = true,
        _ isDropped: (Unicode.Scalar) -> Bool = Text.isSpace
    ) -> Text {
        let scalars = scalars
        var rest = scalars[...]
        if left { rest = rest.drop(while: isDropped) }
        if right { while let last = rest.last, isDropped(last) { rest.removeLast() } }
        return Text(bytes: String(rest).utf8)
    }

    /// Between runs of white space; the first `limit` of them where it is not negative.
    func words(limit: Int = -1) -> [Text] {
        var words: [Text] = []
        var rest = stripped(left: true, right: false).scalars[...]
        while !rest.isEmpty {
            if limit >= 0, words.count == limit {
                words.append(Text(String(rest)))
                break
            }
            let word = rest.prefix { !Self.isSpace($0) }
            words.append(Text(String(word)))
            rest = rest.dropFirst(word.count).drop(while: Self.isSpace)
        }
        return words
    }

    /// The same, counted from the end.
    func lastWords(limit: Int) -> [Text] {
        guard limit >= 0 else { return words() }
        let all = words()
        guard all.count > limit else { return all }
        // The rest keeps its own white space inside, so it is cut from the text itself.
        var rest = stripped(left: false).scalars[...]
        for _ in 0..<limit {
            while let last = rest.last, !Self.isSpace(last) { rest.removeLast() }
            while let last = rest.last, Self.isSpace(last) { rest.removeLast() }
        }
        return [Text(String(rest))] + all.suffix(limit)
    }

    /// Between places of `separator`, which is not empty; the first `limit` of them.
    func parts(between separator: Text, limit: Int = -1) -> [Text] {
        var parts: [Text] = []
        var rest = 0
        while limit < 0 || parts.count < limit,
            let range = firstRange(of: separator, from: rest)
        {
            parts.append(Text(bytes: bytes[rest..<range.lowerBound]))
            rest = range.upperBound
        }
        return parts + [Text(bytes: bytes[rest...])]
    }

    /// The same, counted from the end.
    func lastParts(between separator: Text, limit: Int) -> [Text] {
        guard limit >= 0 else { return parts(between: separator) }
        let backwards = Text(bytes: bytes.reversed())
        let parts = backwards.parts(between: Text(bytes: separator.bytes.reversed()), limit: limit)
        return parts.reversed().map { Text(bytes: $0.bytes.reversed()) }
    }

    private static let lineEnds: Set<UInt32> = [
        0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029,
    ]

    func lines(keepingEnds: Bool = false) -> [Text] {
        var lines: [Text] = []
        var line = String.UnicodeScalarView()
        var previous: Unicode.Scalar?
        for scalar in scalars {
            let joins = previous == "\r" && scalar == "\n"
            previous = scalar
            if joins {
                // The line ended with the carriage return.
                if keepingEnds, let last = lines.popLast() {
                    lines.append(Text(bytes: last.bytes + [UInt8(ascii: "\n")]))
                }
                continue
            }
            guard Self.lineEnds.contains(scalar.value) else {
                line.append(scalar)
                continue
            }
            if keepingEnds { line.append(scalar) }
            lines.append(Text(String(line)))
            line = String.UnicodeScalarView()
        }
        return line.isEmpty ? lines : lines + [Text(String(line))]
    }

    /// With each code point replaced; those of ASCII, most of all text, in a quicker way.
    func mapped(
        ascii: (UInt8) -> UInt8,
        other: (Unicode.Scalar) -> String
    ) -> Text {
        if bytes.allSatisfy({ $0 < 0x80 }) { return Text(bytes: bytes.map(ascii)) }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for scalar in scalars {
            if scalar.isASCII {
                result.append(ascii(UInt8(truncatingIfNeeded: scalar.value)))
            } else {
                result += other(scalar).utf8
            }
        }
        return Text(bytes: result)
    }

    var uppercased: Text {
        mapped(ascii: Self.upper) { $0.properties.uppercaseMapping }
    }

    var lowercased: Text {
        mapped(ascii: Self.lower) { $0.properties.lowercaseMapping }
    }

    static func upper(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) ? byte - 0x20 : byte
    }

    static func lower(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 0x20 : byte
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    /// The first letter of each run of letters large, the others small.
    var titlecased: Text {
        var isInside = false
        return mapped { byte in
            defer { isInside = Self.isLetter(byte) }
            return isInside ? Self.lower(byte) : Self.upper(byte)
        } other: { scalar in
            defer { isInside = scalar.properties.isCased }
            return isInside
                ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping
        }
    }

    /// The first letter large, all others small.
    var capitalized: Text {
        var isFirst = true
        return mapped { byte in
            defer { isFirst = false }
            return isFirst ? Self.upper(byte) : Self.lower(byte)
        } other: { scalar in
            defer { isFirst = false }
            return isFirst
                ? scalar.properties.titlecaseMapping : scalar.properties.lowercaseMapping
        }
    }

    /// Whether there is some code point, and all of them are so.
    func consists(of isWanted: (Unicode.Scalar) -> Bool) -> Bool {
        !isEmpty && scalars.allSatisfy(isWanted)
    }

    /// Whether letters that have a case all have this one, and there are some.
    func hasCase(_ isCase: (Unicode.Scalar.Properties) -> Bool) -> Bool {
        let cased = scalars.filter { $0.properties.isCased }
        return !cased.isEmpty && cased.allSatisfy { isCase($0.properties) }
    }
}
