/// What stands behind `is`.
extension Interpreter {
    func test(
        _ name: String,
        _ value: Value,
        _ arguments: ArgumentValues
    ) throws(TemplateError) -> Bool {
        if let comparator = Self.comparators[name] {
            var reader = ArgumentReader(name, arguments, line: line)
            let other = try reader.require("other")
            try reader.end()
            return try holds(comparator, value, other)
        }
        guard arguments.positional.isEmpty, arguments.named.isEmpty else {
            return try testWithArgument(name, value, arguments)
        }
        return switch value {
        case .undefined where name == "iterable" || name == "sequence": true
        default: try testAlone(name, value)
        }
    }

    static let comparators: [String: Comparison.Operator] = [
        "==": .equal, "eq": .equal, "equalto": .equal, "!=": .unequal, "ne": .unequal,
        "<": .less, "lt": .less, "lessthan": .less, "<=": .lessOrEqual, "le": .lessOrEqual,
        ">": .greater, "gt": .greater, "greaterthan": .greater, ">=": .greaterOrEqual,
        "ge": .greaterOrEqual, "in": .contained,
    ]

    private func testAlone(_ name: String, _ value: Value) throws(TemplateError) -> Bool {
        switch (name, value) {
        case ("defined", _): !value.isUndefined
        case ("undefined", _): value.isUndefined
        case ("none", .none), ("boolean", .bool), ("integer", .int), ("float", .float),
            ("string", .string), ("mapping", .dictionary), ("callable", .callable),
            ("true", .bool(true)), ("false", .bool(false)):
            true
        case ("number", _): value.number != nil
        case ("sequence", .string), ("sequence", .list), ("sequence", .dictionary),
            ("iterable", .string), ("iterable", .list), ("iterable", .dictionary),
            ("iterable", .loop):
            true
        case ("lower", _): try shown(value).hasCase(\.isLowercase)
        case ("upper", _): try shown(value).hasCase(\.isUppercase)
        case ("odd", _): try remainder(of: value, by: 2) == 1
        case ("even", _): try remainder(of: value, by: 2) == 0
        case ("filter", .string(let text)): Self.filters.contains(text.string)
        case ("test", .string(let text)): Self.tests.contains(text.string)
        case _ where Self.plainTests.contains(name): false
        default: throw failure(.unknownTest(name))
        }
    }

    private func testWithArgument(
        _ name: String,
        _ value: Value,
        _ arguments: ArgumentValues
    ) throws(TemplateError) -> Bool {
        var reader = ArgumentReader(name, arguments, line: line)
        let argument = try reader.require("other")
        try reader.end()
        switch name {
        case "divisibleby":
            guard let divisor = argument.integer else { throw reader.failure("it needs a number") }
            return try remainder(of: value, by: divisor) == 0
        case "sameas": return try areSame(value, argument)
        case _ where Self.tests.contains(name): throw reader.failure("it takes no value")
        default: throw failure(.unknownTest(name))
        }
    }

    private func areSame(_ value: Value, _ other: Value) throws(TemplateError) -> Bool {
        switch (value, other) {
        case (.bool(let a), .bool(let b)): a == b
        case (.bool, _), (_, .bool): false
        case (.int, .float), (.float, .int): false
        default: try areEqual(value, other)
        }
    }

    private func remainder(of value: Value, by divisor: Int) throws(TemplateError) -> Int? {
        try calculate(.modulo, value, .int(divisor)).integer
    }

    private static let plainTests: Set<String> = [
        "defined", "undefined", "none", "boolean", "integer", "float", "string", "mapping",
        "callable", "true", "false", "number", "sequence", "iterable", "lower", "upper", "odd",
        "even", "filter", "test", "escaped",
    ]
    private static let tests =
        plainTests.union(comparators.keys).union(["divisibleby", "sameas"])
}
