/// Bytes that are the beginning of a JSON object or array: a pushdown automaton of fixed size.
///
/// Stricter than JSON where that keeps answers finite and useful: nesting is bounded, white space
/// comes in short runs, and text is valid UTF-8 without halves of surrogate pairs.
package struct ObjectPrefix: AnswerPrefix, Equatable {
    private enum State: Equatable {
        case beforeObject
        case beforeArray
        case value
        /// Behind `[`: a value or the end.
        case firstItem
        /// Behind `{`: a key or the end.
        case firstKey
        /// Behind a comma in an object.
        case key
        case colon
        case afterValue
        case string
        case escape
        /// Hexadecimal digits that are missing, and whether the first was a D.
        case unicode(Int, afterD: Bool)
        /// Bytes of a character that are missing, and what the next one may be.
        case character(Int, low: UInt8, high: UInt8)
        case minus
        case zero
        case whole
        case point
        case fraction
        case exponent
        case exponentSign
        case exponentDigits
        /// What is missing of `true`, `false` or `null`.
        case word(Word, Int)
        case closed
    }

    private enum Word: Equatable {
        case yes, no, null

        var letters: String.UTF8View {
            switch self {
            case .yes: "true".utf8
            case .no: "false".utf8
            case .null: "null".utf8
            }
        }
    }

    /// One bit for each level: whether it is an object.
    private static let depthLimit = 64
    private static let spaceLimit = 16

    private var state = State.beforeObject
    private var objects: UInt64 = 0
    private var depth = 0
    private var spaces = 0
    private var isKey = false

    package init() {}

    /// - Parameter isArray: whether the whole is an array.
    init(isArray: Bool) {
        if isArray { state = .beforeArray }
    }

    /// What the next byte is part of.
    package enum Place: Equatable, Sendable {
        /// A value begins.
        case value
        /// A value begins, or the array ends.
        case firstItem
        /// A key begins, or the object ends where it is the first.
        case key
        /// In a text or a word.
        case inside
        /// In a number, or behind it.
        case number
        /// Behind any other value.
        case behindValue
        /// Where only one sign can stand, or none.
        case between
    }

    package var place: Place {
        switch state {
        case .beforeObject, .beforeArray, .value: .value
        case .firstItem: .firstItem
        case .firstKey, .key: .key
        case .afterValue: .behindValue
        case .string, .escape, .unicode, .character, .word: .inside
        case .minus, .zero, .whole, .point, .fraction, .exponent, .exponentSign, .exponentDigits:
            .number
        case .colon, .closed: .between
        }
    }

    package var isClosed: Bool { state == .closed }

    /// Goes on by one byte.
    ///
    /// - Returns: whether it may come next; where not, nothing has changed that matters.
    package mutating func take(_ byte: UInt8) -> Bool {
        switch state {
        case .string, .escape, .unicode, .character: return takeInString(byte)
        case .word(let word, let done): return takeLetter(byte, of: word, done)
        case .minus, .zero, .whole, .point, .fraction, .exponent, .exponentSign, .exponentDigits:
            if takeInNumber(byte) { return true }
            guard endsNumber else { return false }
            state = .afterValue
        default: break
        }
        if Self.isSpace(byte) {
            spaces += 1
            return state != .closed && spaces <= Self.spaceLimit
        }
        spaces = 0
        return takeSign(byte)
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    private mutating func go(_ next: State) -> Bool {
        state = next
        return true
    }

    // MARK: Structure

    private mutating func takeSign(_ byte: UInt8) -> Bool {
        switch (state, byte) {
        case (.beforeObject, UInt8(ascii: "{")): return open(isObject: true)
        case (.beforeArray, UInt8(ascii: "[")): return open(isObject: false)
        case (.firstKey, UInt8(ascii: "\"")), (.key, UInt8(ascii: "\"")):
            isKey = true
            return go(.string)
        case (.firstKey, UInt8(ascii: "}")): return close(isObject: true)
        case (.colon, UInt8(ascii: ":")): return go(.value)
        case (.firstItem, UInt8(ascii: "]")): return close(isObject: false)
        case (.afterValue, UInt8(ascii: ",")): return go(isInObject ? .key : .value)
        case (.afterValue, UInt8(ascii: "}")): return close(isObject: true)
        case (.afterValue, UInt8(ascii: "]")): return close(isObject: false)
        case (.value, _), (.firstItem, _): return beginValue(byte)
        default: return false
        }
    }

    private mutating func beginValue(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "{"): return open(isObject: true)
        case UInt8(ascii: "["): return open(isObject: false)
        case UInt8(ascii: "\""):
            isKey = false
            return go(.string)
        case UInt8(ascii: "t"): return go(.word(.yes, 1))
        case UInt8(ascii: "f"): return go(.word(.no, 1))
        case UInt8(ascii: "n"): return go(.word(.null, 1))
        case UInt8(ascii: "-"): return go(.minus)
        case UInt8(ascii: "0"): return go(.zero)
        case UInt8(ascii: "1")...UInt8(ascii: "9"): return go(.whole)
        default: return false
        }
    }

    private var isInObject: Bool { depth > 0 && objects & 1 == 1 }

    private mutating func open(isObject: Bool) -> Bool {
        guard depth < Self.depthLimit else { return false }
        objects = objects << 1 | (isObject ? 1 : 0)
        depth += 1
        return go(isObject ? .firstKey : .firstItem)
    }

    private mutating func close(isObject: Bool) -> Bool {
        guard isInObject == isObject else { return false }
        objects >>= 1
        depth -= 1
        return go(depth == 0 ? .closed : .afterValue)
    }

    private mutating func takeLetter(_ byte: UInt8, of word: Word, _ done: Int) -> Bool {
        let letters = word.letters
        guard letters.dropFirst(done).first == byte else { return false }
        return go(done + 1 == letters.count ? .afterValue : .word(word, done + 1))
    }

    // MARK: Texts

    private mutating func takeInString(_ byte: UInt8) -> Bool {
        switch state {
        case .escape:
            if byte == UInt8(ascii: "u") { return go(.unicode(4, afterD: false)) }
            return "\"\\/bfnrt".utf8.contains(byte) && go(.string)
        case .unicode(let missing, let afterD):
            guard let digit = Self.hexadecimal(byte), !(afterD && missing == 3 && digit >= 8)
            else { return false }
            guard missing > 1 else { return go(.string) }
            return go(.unicode(missing - 1, afterD: missing == 4 && digit == 13))
        case .character(let missing, let low, let high):
            guard (low...high).contains(byte) else { return false }
            return go(missing > 1 ? .character(missing - 1, low: 0x80, high: 0xBF) : .string)
        default: return takeCharacter(byte)
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    private mutating func takeCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""): go(isKey ? .colon : .afterValue)
        case UInt8(ascii: "\\"): go(.escape)
        case 0x20..<0x80: true
        case 0xC2...0xDF: go(.character(1, low: 0x80, high: 0xBF))
        case 0xE0: go(.character(2, low: 0xA0, high: 0xBF))
        case 0xED: go(.character(2, low: 0x80, high: 0x9F))
        case 0xE1...0xEF: go(.character(2, low: 0x80, high: 0xBF))
        case 0xF0: go(.character(3, low: 0x90, high: 0xBF))
        case 0xF1...0xF3: go(.character(3, low: 0x80, high: 0xBF))
        case 0xF4: go(.character(3, low: 0x80, high: 0x8F))
        default: false
        }
    }

    // MARK: Numbers

    private var endsNumber: Bool {
        switch state {
        case .zero, .whole, .fraction, .exponentDigits: true
        default: false
        }
    }

    private mutating func takeInNumber(_ byte: UInt8) -> Bool {
        let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        let isExponent = byte | 0x20 == UInt8(ascii: "e")
        switch state {
        case .minus: return isDigit && go(byte == UInt8(ascii: "0") ? .zero : .whole)
        case .zero, .whole:
            if byte == UInt8(ascii: ".") { return go(.point) }
            if isExponent { return go(.exponent) }
            return isDigit && state == .whole
        case .point: return isDigit && go(.fraction)
        case .fraction: return isDigit || isExponent && go(.exponent)
        case .exponent:
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { return go(.exponentSign) }
            return isDigit && go(.exponentDigits)
        case .exponentSign: return isDigit && go(.exponentDigits)
        default: return isDigit
        }
    }
}
