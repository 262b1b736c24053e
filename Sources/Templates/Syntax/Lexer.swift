/// Cuts a template into tokens.
///
/// White space is treated as Jinja does with `trim_blocks` and `lstrip_blocks`, which is how
/// chat templates are written: a newline behind a tag goes, and so do spaces between the start of
/// a line and a tag; `-` takes all white space on its side, `+` keeps it.
struct Lexer {
    private var cursor: Cursor
    private var tokens: [Token] = []
    /// Whether what was read last ended a line.
    private var startsLine = true

    static func tokens(of source: String) throws(TemplateError) -> [Token] {
        var lexer = Lexer(cursor: Cursor(Self.normalized(source)))
        try lexer.readAll()
        return lexer.tokens
    }

    private init(cursor: Cursor) { self.cursor = cursor }

    /// With `\n` for every kind of newline, and without the last one.
    private static func normalized(_ source: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(source.utf8.count)
        var previous: UInt8 = 0
        for byte in source.utf8 {
            let joins = previous == .carriageReturn && byte == .newline
            previous = byte
            if !joins { bytes.append(byte == .carriageReturn ? .newline : byte) }
        }
        if bytes.last == .newline { bytes.removeLast() }
        return bytes
    }

    private mutating func readAll() throws(TemplateError) {
        while let opening = cursor.nextOpening() {
            let isRaw = opening.kind == .block && cursor.rawTagEnd(from: opening.start) != nil
            addData(until: opening.start, before: opening)
            if isRaw {
                try readRaw()
                continue
            }
            let line = cursor.line
            cursor.advance(to: opening.contentStart)
            switch opening.kind {
            case .comment: try readComment(line: line)
            case .variable: try readTag(.variable, line: line)
            case .block: try readTag(.block, line: line)
            }
        }
        let line = cursor.line
        let rest = cursor.take(to: cursor.bytes.count)
        if !rest.isEmpty { add(.data(Text(bytes: rest)), line: line) }
        add(.end, line: cursor.line)
    }

    private mutating func add(_ kind: Token.Kind, line: Int) {
        tokens.append(Token(kind: kind, line: line))
    }

    /// Adds the text in front of a tag, without the white space that the tag takes.
    private mutating func addData(until end: Int, before opening: Opening) {
        let line = cursor.line
        let text = Text(bytes: cursor.take(to: end))
        let kept = trimmed(text, sign: opening.sign, isBlock: opening.kind != .variable)
        if !kept.isEmpty { add(.data(kept), line: line) }
    }

    private func trimmed(_ text: Text, sign: UInt8?, isBlock: Bool) -> Text {
        if sign == UInt8(ascii: "-") { return text.stripped(left: false, right: true) }
        guard sign == nil, isBlock else { return text }
        let lineStart = text.bytes.lastIndex(of: .newline).map { $0 + 1 } ?? 0
        guard lineStart > 0 || startsLine else { return text }
        let rest = Text(bytes: text.bytes[lineStart...])
        guard rest.consists(of: Text.isSpace) else { return text }
        return Text(bytes: text.bytes[..<lineStart])
    }

    private mutating func readComment(line: Int) throws(TemplateError) {
        let end = try cursor.find("#}", atOrAfter: cursor.position) { () -> TemplateError in
            TemplateError(line: line, problem: .unfinished("a comment", end: "#}"))
        }
        let sign = end > cursor.position ? cursor.bytes[end - 1] : 0
        cursor.advance(to: end + 2)
        finishTag(sign: sign, trimsNewline: true)
    }

    /// Takes the white space behind a tag that belongs to it.
    private mutating func finishTag(sign: UInt8, trimsNewline: Bool) {
        let start = cursor.position
        if sign == UInt8(ascii: "-") {
            cursor.skipSpaces()
        } else if trimsNewline, sign != UInt8(ascii: "+"), cursor.current == .newline {
            cursor.advance(to: cursor.position + 1)
        }
        startsLine = cursor.position > start && cursor.bytes[cursor.position - 1] == .newline
    }

    /// What stands between `{% raw %}` and `{% endraw %}` is text.
    private mutating func readRaw() throws(TemplateError) {
        let line = cursor.line
        guard let begin = cursor.rawTagEnd(from: cursor.position) else { return }
        cursor.advance(to: begin.end)
        finishTag(sign: begin.sign, trimsNewline: false)
        var search = cursor.position
        while let start = cursor.firstPlace(of: "{%", from: search) {
            guard let end = cursor.rawTagEnd(from: start, name: "endraw") else {
                search = start + 2
                continue
            }
            let opening = Opening(kind: .block, start: start, sign: cursor.sign(at: start + 2))
            addData(until: start, before: opening)
            cursor.advance(to: end.end)
            finishTag(sign: end.sign, trimsNewline: true)
            return
        }
        throw TemplateError(line: line, problem: .unfinished("'raw'", end: "{% endraw %}"))
    }

    // MARK: Inside tags

    private mutating func readTag(_ kind: Opening.Kind, line: Int) throws(TemplateError) {
        let isBlock = kind == .block
        add(isBlock ? .blockBegin : .variableBegin, line: line)
        var closers: [UInt8] = []
        while true {
            cursor.skipSpaces()
            guard cursor.current != nil else {
                let tag = isBlock ? "a tag" : "an expression"
                throw TemplateError(
                    line: line,
                    problem: .unfinished(tag, end: isBlock ? "%}" : "}}")
                )
            }
            let start = cursor.line
            if closers.isEmpty, let sign = cursor.takeTagEnd(isBlock: isBlock) {
                add(isBlock ? .blockEnd : .variableEnd, line: start)
                return finishTag(sign: sign, trimsNewline: isBlock)
            }
            let token = try cursor.takeToken()
            if case .sign(let sign) = token { try balance(sign, &closers) }
            add(token, line: start)
        }
    }

    /// Inside brackets, what would end the tag does not.
    private func balance(_ sign: String, _ closers: inout [UInt8]) throws(TemplateError) {
        let pairs: [String: UInt8] = [
            "(": UInt8(ascii: ")"), "[": UInt8(ascii: "]"), "{": UInt8(ascii: "}"),
        ]
        if let closer = pairs[sign] { return closers.append(closer) }
        guard let byte = sign.utf8.first, pairs.values.contains(byte) else { return }
        guard closers.popLast() == byte else {
            let problem = TemplateError.Problem.unexpected(
                found: "'\(sign)'",
                expected: "the bracket that was opened last"
            )
            throw TemplateError(line: cursor.line, problem: problem)
        }
    }
}

/// Where a tag, an expression or a comment begins.
struct Opening {
    enum Kind { case block, variable, comment }

    let kind: Kind
    let start: Int
    /// `-` or `+`, if one follows.
    let sign: UInt8?

    var contentStart: Int { start + (sign == nil ? 2 : 3) }
}

extension UInt8 {
    static let newline = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
}
