/// Makes a template's tokens into statements and expressions.
///
/// The grammar is Jinja's. Nesting is bounded, so that neither reading, running nor freeing the
/// tree runs out of stack.
struct Parser {
    private let tokens: [Token]
    private var position = 0
    private let depthLimit: Int
    /// How deep functions of the parser are in each other.
    private var depth = 0
    /// Loops around the current statement, in the same macro.
    var loopCount = 0
    /// Which of `varargs` and `kwargs` the current macro uses.
    var usesOfRest: Set<String> = []

    static func statements(
        of source: String,
        limits: Limits
    ) throws(TemplateError) -> [Statement] {
        let count = source.utf8.count
        guard count <= limits.sourceByteCount else {
            let problem = TemplateError.Problem.tooLong(
                byteCount: count,
                limit: limits.sourceByteCount
            )
            throw TemplateError(line: 1, problem: problem)
        }
        var parser = Parser(tokens: try Lexer.tokens(of: source), depthLimit: limits.depth)
        return try parser.parseBody(until: []).statements
    }

    private init(tokens: [Token], depthLimit: Int) {
        self.tokens = tokens
        self.depthLimit = depthLimit
    }

    // MARK: Tokens

    /// The last one is the end, and nothing goes beyond it.
    var current: Token { tokens[position] }
    var line: Int { current.line }
    var following: Token { tokens[min(position + 1, tokens.count - 1)] }

    mutating func advance() { position = min(position + 1, tokens.count - 1) }

    func isAt(_ sign: String) -> Bool { current.kind == .sign(sign) }
    func isAt(name: String) -> Bool { current.kind == .name(name) }

    /// Goes past a sign if it stands here.
    mutating func skip(_ sign: String) -> Bool {
        guard isAt(sign) else { return false }
        advance()
        return true
    }

    mutating func skip(name: String) -> Bool {
        guard isAt(name: name) else { return false }
        advance()
        return true
    }

    mutating func expect(_ sign: String) throws(TemplateError) {
        guard skip(sign) else { throw unexpected("'\(sign)'") }
    }

    mutating func expect(name: String) throws(TemplateError) {
        guard skip(name: name) else { throw unexpected("'\(name)'") }
    }

    mutating func expectName() throws(TemplateError) -> String {
        guard case .name(let name) = current.kind else { throw unexpected("a name") }
        advance()
        return name
    }

    mutating func expectBlockEnd() throws(TemplateError) {
        guard current.kind == .blockEnd else { throw unexpected("'%}'") }
        advance()
    }

    func unexpected(_ expected: String) -> TemplateError {
        failure(.unexpected(found: current.description, expected: expected))
    }

    func failure(_ problem: TemplateError.Problem, line: Int? = nil) -> TemplateError {
        TemplateError(line: line ?? self.line, problem: problem)
    }

    // MARK: Depth

    /// Parses what is nested one deeper.
    mutating func descend<Result>(
        _ parse: (inout Parser) throws(TemplateError) -> Result
    ) throws(TemplateError) -> Result {
        guard depth < depthLimit else { throw failure(.tooDeep(limit: depthLimit)) }
        depth += 1
        defer { depth -= 1 }
        return try parse(&self)
    }

    /// An expression over others.
    func make(
        _ kind: ExpressionKind,
        line: Int,
        over parts: [Expression] = []
    ) throws(TemplateError) -> Expression {
        let depth = 1 + (parts.lazy.map(\.depth).max() ?? 0)
        guard depth <= depthLimit else { throw failure(.tooDeep(limit: depthLimit), line: line) }
        return Expression(line: line, depth: depth, kind: kind)
    }

    // MARK: Bodies

    /// Statements up to one of the tags `ends`, which is gone past; the rest of that tag is not.
    mutating func parseBody(
        until ends: [String],
        of tag: String = "",
        from line: Int = 1
    ) throws(TemplateError) -> (statements: [Statement], end: String) {
        try descend { (parser: inout Parser) throws(TemplateError) in
            try parser.parseStatements(until: ends, of: tag, from: line)
        }
    }

    private mutating func parseStatements(
        until ends: [String],
        of tag: String,
        from line: Int
    ) throws(TemplateError) -> (statements: [Statement], end: String) {
        var statements: [Statement] = []
        while true {
            let start = current
            advance()
            switch start.kind {
            case .data(let text):
                statements.append(Statement(line: start.line, kind: .text(text)))
            case .variableBegin:
                let value = try parseTuple()
                guard current.kind == .variableEnd else { throw unexpected("'}}'") }
                advance()
                statements.append(Statement(line: start.line, kind: .show(value)))
            case .blockBegin:
                if case .name(let name) = current.kind, ends.contains(name) {
                    advance()
                    return (statements, name)
                }
                let kind = try parseStatement()
                try expectBlockEnd()
                statements.append(Statement(line: start.line, kind: kind))
            default:
                guard let end = ends.last else { return (statements, "") }
                throw failure(.unclosedBlock(tag: tag, end: end), line: line)
            }
        }
    }
}
