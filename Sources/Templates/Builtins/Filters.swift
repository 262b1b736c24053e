/// What stands behind `|`.
extension Interpreter {
    func apply(
        _ name: String,
        to value: Value,
        _ arguments: ArgumentValues
    ) throws(TemplateError) -> Value {
        try charge()
        var reader = ArgumentReader(name, arguments, line: line)
        // These call others with what they are given.
        switch name {
        case "map": return try mapped(value, &reader)
        case "select", "reject", "selectattr", "rejectattr":
            return try selected(name, value, &reader)
        default: break
        }
        let result: Value?
        if Self.textFilters.contains(name) {
            result = try applyToText(name, value, &reader)
        } else if Self.listFilters.contains(name) {
            result = try applyToList(name, value, &reader)
        } else {
            result = try applyToAny(name, value, &reader)
        }
        guard let result else { throw failure(.unknownFilter(name)) }
        try reader.end()
        return result
    }

    static let filters = textFilters.union(listFilters).union(otherFilters)
    private static let otherFilters: Set<String> = [
        "map", "select", "reject", "selectattr", "rejectattr", "default", "d", "tojson", "length",
        "count", "items", "dictsort", "int", "float", "abs", "round", "string", "safe", "attr",
        "reverse",
    ]

    private func applyToAny(
        _ name: String,
        _ value: Value,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value? {
        switch name {
        case "default", "d":
            let fallback = try reader.next("default_value") ?? .string(.empty)
            let isBoolean = try reader.flag("boolean")
            return value.isUndefined || isBoolean && !value.isTrue ? fallback : value
        case "tojson": return try json(value, &reader)
        case "length", "count": return .int(try length(value))
        case "items", "dictsort":
            if case .undefined = value, name == "items" { return .list([]) }
            guard case .dictionary(let map) = value else {
                throw failure(.wrongType(operation: "take the items of", found: value.kind))
            }
            return name == "items" ? try pairs(of: map) : try sortedPairs(of: map, &reader)
        case "int": return try integer(value, &reader)
        case "float":
            let fallback = try reader.next("default") ?? .float(0)
            let parsed = value.text.flatMap { Double($0.stripped().string) }
            return (value.number ?? parsed).map { .float($0) } ?? fallback
        case "abs":
            if case .float(let number) = value { return .float(number.magnitude) }
            guard let integer = value.integer else {
                throw failure(.wrongType(operation: "take the size of", found: value.kind))
            }
            return integer < 0 ? try negated(.int(integer)) : .int(integer)
        case "round": return try rounded(value, &reader)
        case "string", "safe": return try make(try shown(value))
        case "attr":
            let name = try reader.requireText("name")
            if case .dictionary = value, !Methods.ofDictionaries.contains(name) {
                return .undefined(Text("'\(name.string)'"))
            }
            return try attribute(name, of: value)
        case "reverse":
            if case .string(let text) = value {
                return try make(Text(String(String.UnicodeScalarView(text.scalars.reversed()))))
            }
            return try make(try items(of: value, to: "reverse").reversed())
        default: return nil
        }
    }

    private func length(_ value: Value) throws(TemplateError) -> Int {
        switch value {
        case .undefined: return 0
        case .string(let text):
            try charge(bytes: text.bytes.count)
            return text.count
        case .list(let list): return list.items.count
        case .dictionary(let map): return map.count
        case .loop(let loop): return loop.items.count
        default: throw failure(.wrongType(operation: "take the length of", found: value.kind))
        }
    }

    private func pairs(of map: Map) throws(TemplateError) -> Value {
        try charge(memory: map.count * 4 * MemoryLayout<Value>.stride)
        return .list(map.entries.values.map { .tuple([$0.key, $0.value]) })
    }

    private func sortedPairs(
        of map: Map,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        let keepsCase = try reader.flag("case_sensitive")
        let place: Value = try reader.text("by") == "value" ? .int(1) : .int(0)
        let isReversed = try reader.flag("reverse")
        let all = try items(of: try pairs(of: map), to: "sort")
        return .list(
            try sorted(all, keepsCase: keepsCase, isReversed: isReversed) {
                (pair: Value) throws(TemplateError) in try self.item(place, of: pair)
            }
        )
    }

    private func json(
        _ value: Value,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        var writer = JSONWriter()
        writer.escapesAll = try reader.flag("ensure_ascii")
        switch try reader.next("indent") {
        case nil, .some(.none): break
        case .some(.string(let text)): writer.indent = text
        case .some(let value):
            guard let width = value.integer, width <= 100 else {
                throw reader.failure("'indent' must be a number up to 100")
            }
            writer.indent = Text(String(repeating: " ", count: max(0, width)))
        }
        if writer.indent != nil { writer.itemSeparator = "," }
        if case .list(let list) = try reader.next("separators") {
            guard list.items.count == 2, let item = list.items[0].text,
                let key = list.items[1].text
            else { throw reader.failure("'separators' must be two texts") }
            (writer.itemSeparator, writer.keySeparator) = (item, key)
        }
        writer.sortsKeys = try reader.flag("sort_keys")
        do throws(TemplateError.Problem) {
            try writer.write(value) { (bytes: Int) throws(TemplateError.Problem) in
                do throws(TemplateError) {
                    try self.charge(memory: bytes)
                } catch {
                    throw error.problem
                }
            }
        } catch {
            throw failure(error)
        }
        return .string(Text(bytes: writer.bytes))
    }

    private func integer(
        _ value: Value,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        let fallback = try reader.next("default") ?? .int(0)
        let radix = try reader.integer("base") ?? 10
        if let integer = value.integer { return .int(integer) }
        var number = value.number
        if let text = value.text?.stripped() {
            let digits = text.string.filter { $0 != "_" }
            if (2...36).contains(radix), let integer = Int(digits, radix: radix) {
                return .int(integer)
            }
            number = Double(digits)
        }
        guard let number, number.isFinite else { return fallback }
        guard let integer = Int(exactly: number.rounded(.towardZero)) else {
            throw failure(.notInRange("the number \(number)"))
        }
        return .int(integer)
    }

    private func rounded(
        _ value: Value,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        let digits = try reader.integer("precision") ?? 0
        let method = try reader.text("method") ?? "common"
        guard let number = value.number else {
            throw failure(.wrongType(operation: "round", found: value.kind))
        }
        guard (0...22).contains(digits) else { throw reader.failure("'precision' is 0 to 22") }
        var power = 1.0
        for _ in 0..<digits { power *= 10 }
        switch method {
        case "common":
            // Python keeps whole numbers whole.
            if let integer = value.integer { return .int(integer) }
            return .float(Decimal.rounded(number, digits: digits))
        case "ceil": return .float((number * power).rounded(.up) / power)
        case "floor": return .float((number * power).rounded(.down) / power)
        default: throw reader.failure("'method' must be common, ceil or floor")
        }
    }
}
