/// One file of Swift or C as the rules see it.
struct SourceFile: Sendable {
    /// From the top of the repository, as in `Sources/Wire/Message.swift`.
    let path: String
    let lines: [String]

    /// The same lines without comments and literals.
    let code: [String]

    init(path: String, text: String) {
        let language: CodeScanner.Language = path.hasSuffix(".swift") ? .swift : .c
        self.path = path
        lines = Self.lines(of: text)
        code = Self.lines(of: CodeScanner.code(of: text, language: language))
    }

    /// The folder below `Sources` or `Tests`: the target it belongs to.
    var target: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 ? String(parts[1]) : ""
    }

    var isSwift: Bool { path.hasSuffix(".swift") }

    /// Swift source that ships, not tests.
    var isShipped: Bool { isSwift && path.hasPrefix("Sources/") }

    /// A place as compilers print it.
    func place(_ line: Int) -> String { "\(path):\(line + 1)" }

    private static func lines(of text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}

/// Words as a reader of code sees them: letters, digits and underscores between anything else.
func words(of line: String) -> [Substring] {
    line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
}
