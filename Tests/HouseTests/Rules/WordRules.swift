/// Words that code may not contain, or only in some places.
enum WordRules {
    static let mostUncheckedSendables = 5

    /// Failures that hide themselves, and marks of unfinished work.
    static func violations(in file: SourceFile, isRoof: Bool) -> [String] {
        guard file.isShipped else { return unfinished(in: file) }
        var forbidden = ["try?", "try!", "fatalError(", "@testable"]
        if !isRoof { forbidden.append("print(") }
        return unfinished(in: file) + find(forbidden, in: file)
    }

    /// `unsafe` expressions in a target that imports no C module.
    static func unsafeViolations(in file: SourceFile, importsC: Bool) -> [String] {
        guard file.isShipped, !importsC else { return [] }
        return file.code.indices.filter { words(of: file.code[$0]).contains("unsafe") }.map {
            "\(file.place($0)): unsafe code in \(file.target), which imports no C module"
        }
    }

    /// Each `@unchecked Sendable`, and whether a comment beside it says what protects the state.
    static func uncheckedSendables(in file: SourceFile) -> [(place: String, isExplained: Bool)] {
        guard file.isShipped else { return [] }
        return file.code.indices.filter { file.code[$0].contains("@unchecked") }.map { line in
            let isExplained = [line - 1, line + 1].contains { neighbour in
                guard file.lines.indices.contains(neighbour) else { return false }
                return file.lines[neighbour].drop { $0 == " " }.hasPrefix("// @unchecked: ")
            }
            return (file.place(line), isExplained)
        }
    }

    /// Names that the header of a C target lets out without our prefix.
    static func prefixViolations(in header: SourceFile) -> [String] {
        header.code.enumerated().compactMap { line, code in
            guard let name = declaredName(code), !name.lowercased().hasPrefix("moiety_") else {
                return nil
            }
            return "\(header.place(line)): \(name) lacks the prefix moiety_"
        }
    }

    /// Machines' paths and the like, which mean nothing to whoever clones the repository.
    static func strangers(path: String, text: String) -> [String] {
        // In pieces, so that this file does not find itself.
        let forbidden = ["/" + "work/", ".." + "/shared", "/" + "farm/", "/" + "tmp/pkg-"]
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().flatMap { line, content in
            forbidden.filter { content.contains($0) }.map { "\(path):\(line + 1): \($0)" }
        }
    }

    private static func unfinished(in file: SourceFile) -> [String] {
        let marks: Set<Substring> = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]
        return file.lines.indices.filter { !marks.isDisjoint(with: words(of: file.lines[$0])) }
            .map { "\(file.place($0)): a mark of unfinished work" }
    }

    private static func find(_ forbidden: [String], in file: SourceFile) -> [String] {
        file.code.enumerated().flatMap { line, code in
            forbidden.filter { starts($0, in: code) }.map { "\(file.place(line)): \($0)" }
        }
    }

    /// Whether `text` occurs in `code` other than as the end of a longer name.
    private static func starts(_ text: String, in code: String) -> Bool {
        code.ranges(of: text).contains { range in
            guard range.lowerBound > code.startIndex else { return true }
            let before = code[code.index(before: range.lowerBound)]
            return !(before.isLetter || before.isNumber || before == "_")
        }
    }

    /// The function, macro, type or constant that a line of a header declares in the first column.
    private static func declaredName(_ code: String) -> String? {
        if code.hasPrefix("#define") { return words(of: code).dropFirst().first.map(String.init) }
        // The name of a pointer to functions stands within.
        if code.hasPrefix("typedef"), let pointer = code.firstRange(of: "(*") {
            return words(of: String(code[pointer.upperBound...])).first.map(String.init)
        }
        let all = words(of: code)
        let tags: Set<Substring> = ["struct", "enum", "union"]
        if let first = all.first, tags.contains(first), code.contains("{") {
            return all.dropFirst().first.map(String.init)
        }
        guard let first = code.first, first.isLetter, let open = code.firstIndex(of: "(") else {
            return nil
        }
        return words(of: String(code[..<open])).last.map(String.init)
    }
}
