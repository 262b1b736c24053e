/// Arithmetic and comparisons, as Python does them.
extension Interpreter {
    private func mismatch(_ operation: String, _ left: Value, _ right: Value) -> TemplateError {
        for value in [left, right] {
            if case .undefined(let what) = value { return failure(.undefined(what.string)) }
        }
        return failure(.wrongType(operation: operation, found: "\(left.kind) and \(right.kind)"))
    }

    func negated(_ value: Value) throws(TemplateError) -> Value {
        if case .float(let number) = value { return .float(-number) }
        guard let integer = value.integer else {
            throw failure(.wrongType(operation: "negate", found: value.kind))
        }
        let (result, overflows) = (0).subtractingReportingOverflow(integer)
        return .int(try whole(result, overflows))
    }

    private func whole(_ value: Int, _ overflows: Bool) throws(TemplateError) -> Int {
        guard !overflows else { throw failure(.notInRange("the result, a whole number,")) }
        return value
    }

    func calculate(
        _ sign: Arithmetic,
        _ left: Value,
        _ right: Value
    ) throws(TemplateError) -> Value {
        switch (sign, left, right) {
        case (.add, .string(let a), .string(let b)):
            return try make(Text(bytes: a.bytes + b.bytes))
        case (.add, .list(let a), .list(let b)) where a.isTuple == b.isTuple:
            return try make(a.items + b.items, isTuple: a.isTuple)
        case (.multiply, .string, _), (.multiply, .list, _):
            return try repeated(left, by: right)
        case (.multiply, _, .string), (.multiply, _, .list):
            return try repeated(right, by: left)
        case (.modulo, .string(let format), _):
            return try make(try formatted(format, right))
        default: break
        }
        if let a = left.integer, let b = right.integer, sign != .divide {
            return try calculate(sign, a, b)
        }
        guard let a = left.number, let b = right.number else {
            throw mismatch(sign.verb, left, right)
        }
        return .float(try calculate(sign, a, b))
    }

    private func calculate(_ sign: Arithmetic, _ a: Int, _ b: Int) throws(TemplateError) -> Value {
        switch sign {
        case .add:
            let (result, overflows) = a.addingReportingOverflow(b)
            return .int(try whole(result, overflows))
        case .subtract:
            let (result, overflows) = a.subtractingReportingOverflow(b)
            return .int(try whole(result, overflows))
        case .multiply:
            let (result, overflows) = a.multipliedReportingOverflow(by: b)
            return .int(try whole(result, overflows))
        case .power: return try power(a, b)
        case .divide, .divideWhole, .modulo:
            guard b != 0 else { throw failure(.notInRange("the divisor 0")) }
            let (quotient, overflows) = a.dividedReportingOverflow(by: b)
            // Overflow is only of the quotient; what is left over is then 0.
            let rest = overflows ? 0 : a % b
            let isBelow = rest != 0 && (rest < 0) != (b < 0)
            guard sign == .divideWhole else { return .int(isBelow ? rest + b : rest) }
            return .int(try whole(isBelow ? quotient - 1 : quotient, overflows))
        }
    }

    private func power(_ base: Int, _ exponent: Int) throws(TemplateError) -> Value {
        guard exponent >= 0 else {
            guard base != 0 else { throw failure(.notInRange("0 to a negative power")) }
            return .float(Self.power(Double(base), exponent))
        }
        if base == 0 || base == 1 { return .int(exponent == 0 ? 1 : base) }
        if base == -1 { return .int(exponent % 2 == 0 ? 1 : -1) }
        var result = 1
        // Ends early: 64 factors of 2 are too many already.
        for _ in 0..<exponent {
            let (product, overflows) = result.multipliedReportingOverflow(by: base)
            result = try whole(product, overflows)
        }
        return .int(result)
    }

    private static func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0
        var factor = base
        var rest = exponent.magnitude
        while rest > 0 {
            if rest % 2 == 1 { result *= factor }
            factor *= factor
            rest /= 2
        }
        return exponent < 0 ? 1 / result : result
    }

    private func calculate(
        _ sign: Arithmetic,
        _ a: Double,
        _ b: Double
    ) throws(TemplateError) -> Double {
        switch sign {
        case .add: return a + b
        case .subtract: return a - b
        case .multiply: return a * b
        case .power:
            guard let exponent = Int(exactly: b) else {
                throw failure(.unsupported("a power with a fraction"))
            }
            return Self.power(a, exponent)
        case .divide, .divideWhole, .modulo:
            guard b != 0 else { throw failure(.notInRange("the divisor 0")) }
            if sign == .divide { return a / b }
            let rest = a.truncatingRemainder(dividingBy: b)
            let below = rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
            return sign == .modulo ? below : ((a - below) / b).rounded()
        }
    }

    /// A text or a list several times over.
    private func repeated(_ value: Value, by factor: Value) throws(TemplateError) -> Value {
        guard let wanted = factor.integer else { throw mismatch("multiply", value, factor) }
        let count = max(0, wanted)
        switch value {
        case .string(let text):
            try charge(memory: text.bytes.count.timesClamped(count))
            return .string(text.repeated(count))
        case .list(let list):
            let size = list.items.count.timesClamped(MemoryLayout<Value>.stride)
            try charge(memory: size.timesClamped(count))
            let items = Array(repeatElement(list.items, count: count).joined())
            return .list(List(items, isTuple: list.isTuple))
        default: throw mismatch("multiply", value, factor)
        }
    }

    // MARK: Comparisons

    func compare(_ left: Value, _ comparisons: [Comparison]) throws(TemplateError) -> Value {
        var left = left
        for comparison in comparisons {
            let right = try evaluate(comparison.right)
            guard try holds(comparison.comparator, left, right) else { return .bool(false) }
            left = right
        }
        return .bool(true)
    }

    func holds(
        _ comparator: Comparison.Operator,
        _ left: Value,
        _ right: Value
    ) throws(TemplateError) -> Bool {
        switch comparator {
        case .equal: try areEqual(left, right)
        case .unequal: !(try areEqual(left, right))
        case .less: try precedes(left, right)
        case .greater: try precedes(right, left)
        case .lessOrEqual: try precedesOrEquals(left, right)
        case .greaterOrEqual: try precedesOrEquals(right, left)
        case .contained: try contains(right, left)
        case .notContained: !(try contains(right, left))
        }
    }

    func areEqual(_ left: Value, _ right: Value) throws(TemplateError) -> Bool {
        try charge()
        switch (left, right) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.string(let a), .string(let b)):
            try charge(bytes: min(a.bytes.count, b.bytes.count))
            return a == b
        case (.list(let a), .list(let b)):
            guard a.isTuple == b.isTuple, a.items.count == b.items.count else { return false }
            for (x, y) in zip(a.items, b.items) {
                guard try areEqual(x, y) else { return false }
            }
            return true
        case (.dictionary(let a), .dictionary(let b)):
            guard a.count == b.count else { return false }
            for (key, entry) in zip(a.entries.keys, a.entries.values) {
                guard let other = b[key], try areEqual(entry.value, other) else { return false }
            }
            return true
        case (.namespace(let a), .namespace(let b)): return a == b
        case (.callable(.macro(let a)), .callable(.macro(let b))): return a == b
        case (.callable(.function(let a)), .callable(.function(let b))): return a == b
        default: break
        }
        if let a = left.integer, let b = right.integer { return a == b }
        guard let a = left.number, let b = right.number else { return false }
        return a == b
    }

    /// Whether `left` is less than `right`.
    func precedes(_ left: Value, _ right: Value) throws(TemplateError) -> Bool {
        try charge()
        switch (left, right) {
        case (.string(let a), .string(let b)):
            try charge(bytes: min(a.bytes.count, b.bytes.count))
            return a < b
        case (.list(let a), .list(let b)) where a.isTuple == b.isTuple:
            for (x, y) in zip(a.items, b.items) where !(try areEqual(x, y)) {
                return try precedes(x, y)
            }
            return a.items.count < b.items.count
        default: break
        }
        if let a = left.integer, let b = right.integer { return a < b }
        guard let a = left.number, let b = right.number else {
            throw mismatch("compare", left, right)
        }
        return a < b
    }

    private func precedesOrEquals(_ left: Value, _ right: Value) throws(TemplateError) -> Bool {
        // Not the opposite of "greater": nothing holds of what is not a number.
        if try precedes(left, right) { return true }
        return try areEqual(left, right)
    }

    func contains(_ whole: Value, _ part: Value) throws(TemplateError) -> Bool {
        switch whole {
        case .undefined: return false
        case .string(let text):
            guard let wanted = part.text else { throw mismatch("look in a text for", part, whole) }
            try charge(bytes: text.bytes.count)
            return text.firstRange(of: wanted) != nil
        case .list(let list):
            for item in list.items where try areEqual(item, part) { return true }
            return false
        case .dictionary(let map):
            return part.isUndefined ? false : map[try hashed(part)] != nil
        default:
            throw failure(.wrongType(operation: "look for something in", found: whole.kind))
        }
    }

    /// In order, equal ones as they were; takes n log n comparisons.
    func sorted(
        _ items: [Value],
        by isLess: (Value, Value) throws(TemplateError) -> Bool
    ) throws(TemplateError) -> [Value] {
        guard items.count > 1 else { return items }
        let middle = items.count / 2
        let left = try sorted(Array(items[..<middle]), by: isLess)
        let right = try sorted(Array(items[middle...]), by: isLess)
        var result: [Value] = []
        result.reserveCapacity(items.count)
        var (i, j) = (0, 0)
        while i < left.count, j < right.count {
            if try isLess(right[j], left[i]) {
                result.append(right[j])
                j += 1
            } else {
                result.append(left[i])
                i += 1
            }
        }
        return result + left[i...] + right[j...]
    }
}

extension Arithmetic {
    /// For messages.
    var verb: String {
        switch self {
        case .add: "add"
        case .subtract: "subtract"
        case .multiply: "multiply"
        case .divide, .divideWhole, .modulo: "divide"
        case .power: "raise to a power"
        }
    }
}

extension Int {
    /// The product, or the largest number where it is larger; of counts.
    func timesClamped(_ other: Int) -> Int {
        let (product, overflows) = multipliedReportingOverflow(by: other)
        return overflows ? .max : product
    }
}
