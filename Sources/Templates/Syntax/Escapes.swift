/// Backslashes in a text in quotes, as Python reads them.
enum Escapes {
    private static let single: [UInt8: UInt8] = [
        UInt8(ascii: "n"): 0x0A, UInt8(ascii: "t"): 0x09, UInt8(ascii: "r"): 0x0D,
        UInt8(ascii: "\\"): 0x5C, UInt8(ascii: "'"): 0x27, UInt8(ascii: "\""): 0x22,
        UInt8(ascii: "a"): 0x07, UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0C,
        UInt8(ascii: "v"): 0x0B,
    ]
    /// Hexadecimal digits behind each letter.
    private static let digits: [UInt8: Int] = [
        UInt8(ascii: "x"): 2, UInt8(ascii: "u"): 4, UInt8(ascii: "U"): 8,
    ]

    static func decoded(_ bytes: ArraySlice<UInt8>) throws(TemplateError.Problem) -> Text {
        guard bytes.contains(UInt8(ascii: "\\")) else { return Text(bytes: bytes) }
        var result: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let letter = rest.popFirst() else {
                result.append(byte)
                continue
            }
            if let plain = single[letter] {
                result.append(plain)
            } else if let count = digits[letter] {
                result += try character(rest.prefix(count), radix: 16, count: count)
                rest = rest.dropFirst(count)
            } else if (0x30...0x37).contains(letter) {
                let more = rest.prefix(2).prefix { (0x30...0x37).contains($0) }
                result += try character([letter] + more, radix: 8, count: 1 + more.count)
                rest = rest.dropFirst(more.count)
            } else if letter != .newline {
                // Python keeps the backslash of what it does not know.
                result += [byte, letter]
            }
        }
        return Text(bytes: result)
    }

    private static func character(
        _ digits: ArraySlice<UInt8>,
        radix: Int,
        count: Int
    ) throws(TemplateError.Problem) -> [UInt8] {
        let text = String(decoding: digits, as: UTF8.self)
        guard digits.count == count, let code = UInt32(text, radix: radix),
            let scalar = Unicode.Scalar(code)
        else {
            throw .unexpected(found: "'\\' and '\(text)'", expected: "a character's number")
        }
        return Array(String(scalar).utf8)
    }
}
