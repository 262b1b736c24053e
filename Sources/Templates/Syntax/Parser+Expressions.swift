/// Expressions, from what binds loosest to what binds tightest.
extension Parser {
    static let constants: Set<String> = ["true", "false", "none", "True", "False", "None"]

    /// One expression, or several with commas, which are a tuple.
    mutating func parseTuple(
        withCondition: Bool = true,
        until end: String? = nil,
        inParentheses: Bool = false
    ) throws(TemplateError) -> Expression {
        let line = line
        var parts: [Expression] = []
        var isTuple = false
        while !isAtTupleEnd(end) {
            parts.append(withCondition ? try parseExpression() : try parseEither())
            guard skip(",") else { break }
            isTuple = true
        }
        if !isTuple, let only = parts.first { return only }
        guard isTuple || inParentheses else { throw unexpected("an expression") }
        return try make(.list(parts, isTuple: true), line: line, over: parts)
    }

    private func isAtTupleEnd(_ end: String?) -> Bool {
        if let end, isAt(name: end) { return true }
        return current.kind == .variableEnd || current.kind == .blockEnd || isAt(")")
    }

    mutating func parseExpression() throws(TemplateError) -> Expression {
        try descend { (parser: inout Parser) throws(TemplateError) in
            try parser.parseConditional()
        }
    }

    private mutating func parseConditional() throws(TemplateError) -> Expression {
        let line = line
        var value = try parseEither()
        while skip(name: "if") {
            let test = try parseEither()
            let otherwise = skip(name: "else") ? try parseExpression() : nil
            value = try make(
                .conditional(value, test: test, otherwise: otherwise),
                line: line,
                over: [value, test] + (otherwise.map { [$0] } ?? [])
            )
        }
        return value
    }

    private mutating func parseEither() throws(TemplateError) -> Expression {
        let line = line
        var left = try parseBoth()
        while skip(name: "or") {
            let right = try parseBoth()
            left = try make(.either(left, right), line: line, over: [left, right])
        }
        return left
    }

    private mutating func parseBoth() throws(TemplateError) -> Expression {
        let line = line
        var left = try parseNot()
        while skip(name: "and") {
            let right = try parseNot()
            left = try make(.both(left, right), line: line, over: [left, right])
        }
        return left
    }

    private mutating func parseNot() throws(TemplateError) -> Expression {
        let line = line
        guard skip(name: "not") else { return try parseComparison() }
        let value = try descend { (parser: inout Parser) throws(TemplateError) in
            try parser.parseNot()
        }
        return try make(.not(value), line: line, over: [value])
    }

    private mutating func parseComparison() throws(TemplateError) -> Expression {
        let line = line
        let left = try parseSum()
        var comparisons: [Comparison] = []
        while let comparator = takeComparator() {
            comparisons.append(Comparison(comparator: comparator, right: try parseSum()))
        }
        guard !comparisons.isEmpty else { return left }
        return try make(
            .comparison(left, comparisons),
            line: line,
            over: [left] + comparisons.map(\.right)
        )
    }

    private mutating func takeComparator() -> Comparison.Operator? {
        switch current.kind {
        case .sign(let sign):
            guard let comparator = Comparison.Operator(rawValue: sign) else { return nil }
            advance()
            return comparator
        case .name("in"):
            advance()
            return .contained
        case .name("not") where following.kind == .name("in"):
            advance()
            advance()
            return .notContained
        default: return nil
        }
    }

    private mutating func takeOperator(_ operators: [Arithmetic]) -> Arithmetic? {
        guard case .sign(let sign) = current.kind,
            let found = operators.first(where: { $0.rawValue == sign })
        else { return nil }
        advance()
        return found
    }

    private mutating func parseSum() throws(TemplateError) -> Expression {
        let line = line
        var left = try parseJoined()
        while let sign = takeOperator([.add, .subtract]) {
            let right = try parseJoined()
            left = try make(.arithmetic(sign, left, right), line: line, over: [left, right])
        }
        return left
    }

    private mutating func parseJoined() throws(TemplateError) -> Expression {
        let line = line
        var parts = [try parseProduct()]
        while skip("~") { parts.append(try parseProduct()) }
        return parts.count == 1 ? parts[0] : try make(.joined(parts), line: line, over: parts)
    }

    private mutating func parseProduct() throws(TemplateError) -> Expression {
        let line = line
        var left = try parsePower()
        while let sign = takeOperator([.multiply, .divide, .divideWhole, .modulo]) {
            let right = try parsePower()
            left = try make(.arithmetic(sign, left, right), line: line, over: [left, right])
        }
        return left
    }

    private mutating func parsePower() throws(TemplateError) -> Expression {
        let line = line
        var left = try parseUnary()
        while let sign = takeOperator([.power]) {
            let right = try parseUnary()
            left = try make(.arithmetic(sign, left, right), line: line, over: [left, right])
        }
        return left
    }

    private mutating func parseUnary(withFilters: Bool = true) throws(TemplateError) -> Expression {
        try descend { (parser: inout Parser) throws(TemplateError) in
            var value = try parser.parseSigned()
            value = try parser.parsePostfixes(of: value)
            return withFilters ? try parser.parseFilters(of: value) : value
        }
    }

    private mutating func parseSigned() throws(TemplateError) -> Expression {
        let line = line
        if skip("-") {
            let value = try parseUnary(withFilters: false)
            return try make(.negative(value), line: line, over: [value])
        }
        if skip("+") {
            let value = try parseUnary(withFilters: false)
            return try make(.positive(value), line: line, over: [value])
        }
        return try parsePrimary()
    }
}
