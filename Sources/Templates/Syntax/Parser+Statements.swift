/// Tags.
extension Parser {
    /// Tags of Jinja that need other files or are for whole sites.
    private static let unsupported: Set<String> = [
        "include", "import", "from", "extends", "block", "do", "trans", "debug",
    ]

    mutating func parseStatement() throws(TemplateError) -> StatementKind {
        let line = line
        let name = try expectName()
        switch name {
        case "if": return try parseCondition(line)
        case "for": return try parseLoop(line)
        case "set": return try parseSet(line)
        case "macro": return try parseMacro(line)
        case "call": return try parseCallBlock(line)
        case "filter": return try parseFilterBlock(line)
        case "with": return try parseWith(line)
        case "print": return .show(try parseTuple())
        case "generation": return .with([], try parseEnclosed("generation", line))
        case "autoescape": return try parseAutoescape(line)
        case "break", "continue":
            guard loopCount > 0 else {
                throw failure(.unexpected(found: "'\(name)'", expected: "a loop around it"))
            }
            return name == "break" ? .breakLoop : .continueLoop
        case _ where Self.unsupported.contains(name):
            throw failure(.unsupported("the tag '\(name)'"), line: line)
        case _ where name.hasPrefix("end") || name == "else" || name == "elif":
            let expected = "a tag that begins something"
            throw failure(.unexpected(found: "'\(name)'", expected: expected), line: line)
        default: throw failure(.unknownTag(name), line: line)
        }
    }

    /// Everything up to the tag's end.
    private mutating func parseEnclosed(
        _ tag: String,
        _ line: Int
    ) throws(TemplateError) -> [Statement] {
        try expectBlockEnd()
        return try parseBody(until: ["end" + tag], of: tag, from: line).statements
    }

    private mutating func parseCondition(_ line: Int) throws(TemplateError) -> StatementKind {
        var branches: [Branch] = []
        while true {
            let test = try parseTuple(withCondition: false)
            try expectBlockEnd()
            let ends = ["elif", "else", "endif"]
            let (body, end) = try parseBody(until: ends, of: "if", from: line)
            branches.append(Branch(test: test, body: body))
            if end == "endif" { return .condition(branches, otherwise: []) }
            guard end == "else" else { continue }
            return .condition(branches, otherwise: try parseEnclosed("if", line))
        }
    }

    private mutating func parseLoop(_ line: Int) throws(TemplateError) -> StatementKind {
        let target = try parseTarget(until: "in")
        try expect(name: "in")
        let items = try parseTuple(withCondition: false, until: "recursive")
        let test = skip(name: "if") ? try parseExpression() : nil
        guard !isAt(name: "recursive") else { throw failure(.unsupported("a recursive loop")) }
        try expectBlockEnd()
        loopCount += 1
        let (body, end) = try parseBody(until: ["else", "endfor"], of: "for", from: line)
        loopCount -= 1
        let otherwise = end == "else" ? try parseEnclosed("for", line) : []
        return .loop(
            ForLoop(target: target, items: items, test: test, body: body, otherwise: otherwise)
        )
    }

    private mutating func parseSet(_ line: Int) throws(TemplateError) -> StatementKind {
        let target = try parseTarget(withAttributes: true)
        if skip("=") { return .set(target, try parseTuple()) }
        let filters = try parseFilters()
        return .setBlock(target, filters, try parseEnclosed("set", line))
    }

    /// The filters that follow, each behind `|`.
    private mutating func parseFilters() throws(TemplateError) -> [FilterCall] {
        var filters: [FilterCall] = []
        while skip("|") { filters.append(try parseFilterCall()) }
        return filters
    }

    private mutating func parseMacro(_ line: Int) throws(TemplateError) -> StatementKind {
        let name = try expectName()
        let parameters = try parseParameters()
        return .macro(try parseDefinition(name, parameters, "macro", line))
    }

    private mutating func parseDefinition(
        _ name: String,
        _ parameters: [MacroDefinition.Parameter],
        _ tag: String,
        _ line: Int
    ) throws(TemplateError) -> MacroDefinition {
        let outer = (loopCount, usesOfRest)
        (loopCount, usesOfRest) = (0, [])
        defer { (loopCount, usesOfRest) = outer }
        let body = try parseEnclosed(tag, line)
        return MacroDefinition(
            name: Text(name),
            parameters: parameters,
            body: body,
            takesMoreValues: usesOfRest.contains("varargs"),
            takesOtherNames: usesOfRest.contains("kwargs")
        )
    }

    private mutating func parseParameters() throws(TemplateError) -> [MacroDefinition.Parameter] {
        try expect("(")
        var parameters: [MacroDefinition.Parameter] = []
        while !isAt(")") {
            if !parameters.isEmpty { try expect(",") }
            let name = try expectName()
            let fallback = skip("=") ? try parseExpression() : nil
            if fallback == nil, let previous = parameters.last, previous.fallback != nil {
                throw unexpected("'=' and a value, as in front of it")
            }
            parameters.append(.init(name: Text(name), fallback: fallback))
        }
        try expect(")")
        return parameters
    }

    private mutating func parseCallBlock(_ line: Int) throws(TemplateError) -> StatementKind {
        let parameters = isAt("(") ? try parseParameters() : []
        let call = try parseExpression()
        guard case .call = call.kind else {
            throw failure(.unexpected(found: "an expression", expected: "a call of a macro"))
        }
        return .callBlock(call, try parseDefinition("caller", parameters, "call", line))
    }

    private mutating func parseFilterBlock(_ line: Int) throws(TemplateError) -> StatementKind {
        let filters = [try parseFilterCall()] + (try parseFilters())
        return .filterBlock(filters, try parseEnclosed("filter", line))
    }

    private mutating func parseWith(_ line: Int) throws(TemplateError) -> StatementKind {
        var assignments: [Assignment] = []
        while current.kind != .blockEnd {
            if !assignments.isEmpty { try expect(",") }
            let target = try parseTarget(single: true)
            try expect("=")
            assignments.append(Assignment(target: target, value: try parseExpression()))
        }
        return .with(assignments, try parseEnclosed("with", line))
    }

    private mutating func parseAutoescape(_ line: Int) throws(TemplateError) -> StatementKind {
        guard skip(name: "false") || skip(name: "False") else {
            throw failure(.unsupported("autoescape other than false"))
        }
        return .with([], try parseEnclosed("autoescape", line))
    }

    // MARK: Targets

    private mutating func parseTarget(
        until end: String? = nil,
        single: Bool = false,
        withAttributes: Bool = false
    ) throws(TemplateError) -> Target {
        var targets: [Target] = []
        var isTuple = false
        while true {
            if let end, isAt(name: end) { break }
            if isAt("=") || isAt(")") || current.kind == .blockEnd { break }
            targets.append(try parseOneTarget(withAttributes: withAttributes))
            guard !single, skip(",") else { break }
            isTuple = true
        }
        if isTuple { return .tuple(targets) }
        guard let target = targets.first else { throw unexpected("a name") }
        return target
    }

    private mutating func parseOneTarget(withAttributes: Bool) throws(TemplateError) -> Target {
        if skip("(") {
            let inner = try descend { (parser: inout Parser) throws(TemplateError) in
                try parser.parseTarget()
            }
            try expect(")")
            return inner
        }
        let name = try expectName()
        guard !Self.constants.contains(name) else {
            throw failure(.unexpected(found: "'\(name)'", expected: "a name to assign to"))
        }
        guard withAttributes, skip(".") else { return .name(Text(name)) }
        return .attribute(of: Text(name), Text(try expectName()))
    }
}
