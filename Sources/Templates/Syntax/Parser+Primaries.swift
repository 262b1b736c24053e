/// Values, and what is done to them: attributes, items, calls, filters, tests.
extension Parser {
    mutating func parsePrimary() throws(TemplateError) -> Expression {
        let token = current
        switch token.kind {
        case .name(let name):
            advance()
            if name == "varargs" || name == "kwargs" { usesOfRest.insert(name) }
            return try make(Self.kind(ofName: name), line: token.line)
        case .string(var text):
            advance()
            while case .string(let more) = current.kind {
                text.append(more)
                advance()
            }
            return try make(.literal(.string(text)), line: token.line)
        case .int(let value):
            advance()
            return try make(.literal(.int(value)), line: token.line)
        case .float(let value):
            advance()
            return try make(.literal(.float(value)), line: token.line)
        case .sign("("):
            advance()
            let inner = try parseTuple(inParentheses: true)
            try expect(")")
            return inner
        case .sign("["): return try parseList()
        case .sign("{"): return try parseDictionary()
        default: throw unexpected("a value")
        }
    }

    private static func kind(ofName name: String) -> ExpressionKind {
        switch name {
        case "true", "True": .literal(.bool(true))
        case "false", "False": .literal(.bool(false))
        case "none", "None": .literal(.none)
        default: .name(Text(name))
        }
    }

    private mutating func parseList() throws(TemplateError) -> Expression {
        let line = line
        try expect("[")
        var items: [Expression] = []
        while !isAt("]") {
            items.append(try parseExpression())
            guard skip(",") else { break }
        }
        try expect("]")
        return try make(.list(items, isTuple: false), line: line, over: items)
    }

    private mutating func parseDictionary() throws(TemplateError) -> Expression {
        let line = line
        try expect("{")
        var pairs: [Pair] = []
        while !isAt("}") {
            let key = try parseExpression()
            try expect(":")
            pairs.append(Pair(key: key, value: try parseExpression()))
            guard skip(",") else { break }
        }
        try expect("}")
        return try make(
            .dictionary(pairs),
            line: line,
            over: pairs.flatMap { [$0.key, $0.value] }
        )
    }

    mutating func parsePostfixes(of value: Expression) throws(TemplateError) -> Expression {
        var value = value
        while true {
            if isAt(".") {
                value = try parseAttribute(of: value)
            } else if isAt("[") {
                value = try parseItem(of: value)
            } else if isAt("(") {
                value = try parseCall(of: value)
            } else {
                return value
            }
        }
    }

    private mutating func parseAttribute(of value: Expression) throws(TemplateError) -> Expression {
        let line = line
        try expect(".")
        if case .int(let index) = current.kind {
            advance()
            let index = try make(.literal(.int(index)), line: line)
            return try make(.item(value, index), line: line, over: [value])
        }
        let name = try expectName()
        return try make(.attribute(value, Text(name)), line: line, over: [value])
    }

    private mutating func parseItem(of value: Expression) throws(TemplateError) -> Expression {
        let line = line
        try expect("[")
        var bounds = SliceBounds()
        if !isAt(":") {
            let item = try parseExpression()
            if skip("]") { return try make(.item(value, item), line: line, over: [value, item]) }
            bounds.start = item
        }
        try expect(":")
        if !isAt(":"), !isAt("]") { bounds.end = try parseExpression() }
        if skip(":"), !isAt("]") { bounds.step = try parseExpression() }
        try expect("]")
        let parts = [value, bounds.start, bounds.end, bounds.step].compactMap { $0 }
        return try make(.slice(value, bounds), line: line, over: parts)
    }

    private mutating func parseCall(of value: Expression) throws(TemplateError) -> Expression {
        let line = line
        let arguments = try parseArguments()
        return try make(.call(value, arguments), line: line, over: [value] + arguments.all)
    }

    private mutating func parseArguments() throws(TemplateError) -> Arguments {
        try expect("(")
        var arguments = Arguments()
        while !isAt(")") {
            try parseArgument(into: &arguments)
            guard skip(",") else { break }
        }
        try expect(")")
        return arguments
    }

    private mutating func parseArgument(
        into arguments: inout Arguments
    ) throws(TemplateError) {
        let hasStars = arguments.list != nil || arguments.dictionary != nil
        if skip("*") {
            guard !hasStars else { throw unexpected("no second '*'") }
            arguments.list = try parseExpression()
        } else if skip("**") {
            guard arguments.dictionary == nil else { throw unexpected("no second '**'") }
            arguments.dictionary = try parseExpression()
        } else if case .name(let name) = current.kind, following.kind == .sign("=") {
            guard arguments.dictionary == nil else { throw unexpected("names in front of '**'") }
            advance()
            advance()
            arguments.named.append(.init(name: Text(name), value: try parseExpression()))
        } else {
            guard !hasStars, arguments.named.isEmpty else {
                throw unexpected("values in front of those with names")
            }
            arguments.positional.append(try parseExpression())
        }
    }

    // MARK: Filters and tests

    mutating func parseFilters(of value: Expression) throws(TemplateError) -> Expression {
        var value = value
        while true {
            let line = line
            if skip("|") {
                let call = try parseFilterCall()
                value = try make(
                    .filter(value, call),
                    line: line,
                    over: [value] + call.arguments.all
                )
            } else if skip(name: "is") {
                value = try parseTest(of: value, line)
            } else if isAt("(") {
                value = try parseCall(of: value)
            } else {
                return value
            }
        }
    }

    mutating func parseFilterCall() throws(TemplateError) -> FilterCall {
        let line = line
        let name = try parseDottedName()
        let arguments = isAt("(") ? try parseArguments() : .none
        return FilterCall(name: name, arguments: arguments, line: line)
    }

    private mutating func parseDottedName() throws(TemplateError) -> String {
        var name = try expectName()
        while skip(".") { name += "." + (try expectName()) }
        return name
    }

    private mutating func parseTest(
        of value: Expression,
        _ line: Int
    ) throws(TemplateError) -> Expression {
        let isNegated = skip(name: "not")
        let name = try parseDottedName()
        var arguments = Arguments.none
        if isAt("(") {
            arguments = try parseArguments()
        } else if startsTestArgument {
            guard !isAt(name: "is") else { throw unexpected("no second 'is'") }
            let argument = try parsePrimary()
            arguments.positional = [try parsePostfixes(of: argument)]
        }
        let call = FilterCall(name: name, arguments: arguments, line: line)
        let test = try make(.test(value, call), line: line, over: [value] + arguments.all)
        return isNegated ? try make(.not(test), line: line, over: [test]) : test
    }

    /// Whether what follows a test's name is its argument, without parentheses.
    private var startsTestArgument: Bool {
        switch current.kind {
        case .name(let name): !["else", "or", "and"].contains(name)
        case .string, .int, .float: true
        case .sign(let sign): sign == "[" || sign == "{"
        default: false
        }
    }
}

extension Arguments {
    /// All expressions in it.
    var all: [Expression] {
        positional + named.map(\.value) + [list, dictionary].compactMap { $0 }
    }
}
