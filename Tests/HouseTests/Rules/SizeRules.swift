/// How long files, lines and functions may be.
enum SizeRules {
    static let mostLines = 500
    static let mostColumns = 100
    static let mostFunctionLines = 60

    static func violations(in file: SourceFile) -> [String] {
        fileViolations(in: file) + lineViolations(in: file) + functionViolations(in: file)
    }

    private static func fileViolations(in file: SourceFile) -> [String] {
        guard file.lines.count > mostLines else { return [] }
        return ["\(file.path): \(file.lines.count) lines, \(mostLines) are allowed"]
    }

    private static func lineViolations(in file: SourceFile) -> [String] {
        file.lines.enumerated().filter { $0.element.count > mostColumns }.map {
            "\(file.place($0.offset)): \($0.element.count) columns, \(mostColumns) are allowed"
        }
    }

    private static func functionViolations(in file: SourceFile) -> [String] {
        functions(in: file).filter { $0.count > mostFunctionLines }.map {
            "\(file.place($0.lowerBound)): a function of \($0.count) lines,"
                + " \(mostFunctionLines) are allowed"
        }
    }

    /// The lines of each function with a body, from its declaration to its closing brace.
    static func functions(in file: SourceFile) -> [Range<Int>] {
        let starts = file.isSwift ? swiftDeclaration : cDeclaration
        return file.code.indices.compactMap { line in
            guard let column = starts(file.code[line]) else { return nil }
            return body(in: file, line: line, column: column)
        }
    }

    /// The column where a Swift function's name or keyword stands in a line; nil where none does.
    private static func swiftDeclaration(_ code: String) -> Int? {
        let characters = Array(code)
        for keyword in ["func ", "init(", "init?(", "init<", "deinit {", "subscript("] {
            guard let range = code.firstRange(of: keyword) else { continue }
            let column = code.distance(from: code.startIndex, to: range.lowerBound)
            let before = column > 0 ? characters[column - 1] : " "
            if before == " " { return column }
        }
        return nil
    }

    /// C functions start in the first column and have a parenthesis; tables have `=` before it.
    private static func cDeclaration(_ code: String) -> Int? {
        guard let first = code.first, first.isLetter, code.contains("(") else { return nil }
        return code.prefix { $0 != "(" }.contains("=") ? nil : 0
    }

    /// From a declaration to the brace that closes its body; nil where the next thing after its
    /// signature is not a body.
    private static func body(in file: SourceFile, line: Int, column: Int) -> Range<Int>? {
        var parentheses = 0
        var braces = 0
        var hasSignature = false
        for current in line..<file.code.count {
            let code = file.code[current].dropFirst(current == line ? column : 0)
            if braces == 0, parentheses == 0, hasSignature, !continues(code) { return nil }
            for character in code {
                switch character {
                case "(", "[": parentheses += 1
                case ")", "]": parentheses -= 1
                // Braces of a default argument belong to the signature.
                case "{" where braces > 0 || parentheses == 0: braces += 1
                case "}" where braces > 0 || parentheses == 0: braces -= 1
                case ";" where braces == 0 && parentheses == 0: return nil
                default: continue
                }
                if character == ")", parentheses == 0 { hasSignature = true }
                if character == "}", braces <= 0, parentheses == 0 {
                    return braces < 0 ? nil : line..<(current + 1)
                }
            }
        }
        return nil
    }

    /// Whether a line can go on with a signature: what follows one may stand on lines of its own.
    private static func continues(_ code: Substring) -> Bool {
        let text = code.drop { $0 == " " }
        let starts = ["{", "throws", "async", "rethrows", "->", "where", ")"]
        return starts.contains(where: text.hasPrefix)
    }
}
