/// Blanks what is not code, so that rules can look for words and count braces.
///
/// Comments and string literals become spaces; line breaks stay where they are. Knows as much of
/// Swift's and C's grammar as that takes: nested comments, raw and multi-line strings,
/// interpolation, character literals.
struct CodeScanner {
    enum Language {
        case swift
        case c
    }

    private let input: [UInt8]
    private let language: Language
    private var index = 0
    private var output: [UInt8] = []

    static func code(of text: String, language: Language) -> String {
        var scanner = CodeScanner(input: Array(text.utf8), language: language)
        scanner.scanCode(isInterpolation: false)
        return String(decoding: scanner.output, as: UTF8.self)
    }

    private init(input: [UInt8], language: Language) {
        self.input = input
        self.language = language
        output.reserveCapacity(input.count)
    }

    /// Copies code to the end of the text, or to the parenthesis that ends an interpolation.
    private mutating func scanCode(isInterpolation: Bool) {
        var depth = 0
        while index < input.count {
            if skipNonCode() { continue }
            let byte = input[index]
            if byte == UInt8(ascii: "(") { depth += 1 }
            if byte == UInt8(ascii: ")") { depth -= 1 }
            if isInterpolation, depth < 0 { return }
            output.append(byte)
            index += 1
        }
    }

    /// Skips a comment or a literal if one starts here.
    private mutating func skipNonCode() -> Bool {
        if sees("//") {
            blank { $0.sees("\n") }
        } else if sees("/*") {
            skipBlockComment()
        } else if language == .c, sees("'") {
            skipCharacter()
        } else if let hashes = hashesBeforeQuote() {
            skipString(hashes: hashes)
        } else {
            return false
        }
        return true
    }

    private mutating func skipBlockComment() {
        var depth = 0
        repeat {
            if sees("/*"), depth == 0 || language == .swift { depth += 1 }
            if sees("*/") { depth -= 1 }
            blankOne()
        } while index < input.count && depth > 0
        blankOne()
    }

    private mutating func skipCharacter() {
        blankOne()
        while index < input.count, !sees("'") {
            if sees("\\") { blankOne() }
            blankOne()
        }
        blankOne()
    }

    /// How many `#` stand before the quotation mark that starts a string here; nil if none does.
    private func hashesBeforeQuote() -> Int? {
        var end = index
        while end < input.count, input[end] == UInt8(ascii: "#"), language == .swift { end += 1 }
        guard end < input.count, input[end] == UInt8(ascii: "\"") else { return nil }
        return end - index
    }

    private mutating func skipString(hashes: Int) {
        let fence = String(repeating: "#", count: hashes)
        blank(count: hashes)
        let quotes = language == .swift && sees("\"\"\"") ? "\"\"\"" : "\""
        blank(count: quotes.utf8.count)
        while index < input.count, !sees(quotes + fence) {
            // A string that is left open on its line is not one: stop where the compiler would.
            if quotes == "\"", sees("\n") { return }
            if sees("\\" + fence + "(") {
                blank(count: hashes + 2)
                skipInterpolation()
            } else if sees("\\" + fence) {
                blank(count: hashes + 2)
            } else {
                blankOne()
            }
        }
        blank(count: quotes.utf8.count + hashes)
    }

    private mutating func skipInterpolation() {
        let start = output.count
        scanCode(isInterpolation: true)
        for position in start..<output.count where output[position] != UInt8(ascii: "\n") {
            output[position] = UInt8(ascii: " ")
        }
        blankOne()
    }

    private func sees(_ text: String) -> Bool {
        input[index...].starts(with: text.utf8)
    }

    private mutating func blank(until isEnd: (CodeScanner) -> Bool) {
        while index < input.count, !isEnd(self) { blankOne() }
    }

    private mutating func blank(count: Int) {
        for _ in 0..<count { blankOne() }
    }

    private mutating func blankOne() {
        guard index < input.count else { return }
        output.append(input[index] == UInt8(ascii: "\n") ? UInt8(ascii: "\n") : UInt8(ascii: " "))
        index += 1
    }
}
