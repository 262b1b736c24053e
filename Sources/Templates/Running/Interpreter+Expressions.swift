/// Evaluates expressions.
extension Interpreter {
    /// - Parameter caller: what the macro that is called here finds as `caller`.
    func evaluate(_ expression: Expression, caller: Value? = nil) throws(TemplateError) -> Value {
        try charge()
        let outer = line
        line = expression.line
        defer { line = outer }
        return try descend { () throws(TemplateError) in
            try evaluate(expression.kind, caller)
        }
    }

    private func evaluate(
        _ kind: ExpressionKind,
        _ caller: Value?
    ) throws(TemplateError) -> Value {
        switch kind {
        case .literal(let value): value
        case .name(let name): scope.value(of: name) ?? .undefined(Text("'\(name.string)'"))
        case .list(let items, let isTuple): try make(try evaluate(items), isTuple: isTuple)
        case .dictionary(let pairs): try makeMap(pairs)
        case .attribute(let owner, let name): try attribute(name, of: try evaluate(owner))
        case .item(let owner, let key):
            try item(try evaluate(key), of: try evaluate(owner))
        case .slice(let owner, let bounds): try slice(try evaluate(owner), bounds)
        case .call(let function, let arguments):
            try call(try evaluate(function), try evaluate(arguments), caller: caller)
        case .filter(let value, let call):
            try apply(call.name, to: try evaluate(value), try evaluate(call.arguments))
        case .test(let value, let call):
            .bool(try test(call.name, try evaluate(value), try evaluate(call.arguments)))
        case .joined(let parts): try joined(parts)
        default: try evaluateOperator(kind)
        }
    }

    private func evaluateOperator(_ kind: ExpressionKind) throws(TemplateError) -> Value {
        switch kind {
        case .not(let value): return .bool(!(try evaluate(value).isTrue))
        case .negative(let value): return try negated(try evaluate(value))
        case .positive(let value):
            let value = try evaluate(value)
            guard value.number != nil else {
                throw failure(.wrongType(operation: "take as a number", found: value.kind))
            }
            return value
        case .arithmetic(let sign, let left, let right):
            return try calculate(sign, try evaluate(left), try evaluate(right))
        case .comparison(let left, let comparisons):
            return try compare(try evaluate(left), comparisons)
        case .both(let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? try evaluate(right) : value
        case .either(let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? value : try evaluate(right)
        case .conditional(let value, let test, let otherwise):
            if try evaluate(test).isTrue { return try evaluate(value) }
            return try otherwise.map(evaluateOne) ?? .undefined("what stands in front of 'if'")
        default: return .none
        }
    }

    private func evaluateOne(_ expression: Expression) throws(TemplateError) -> Value {
        try evaluate(expression)
    }

    private func evaluate(_ expressions: [Expression]) throws(TemplateError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(expressions.count)
        for expression in expressions { values.append(try evaluate(expression)) }
        return values
    }

    func evaluate(_ arguments: Arguments) throws(TemplateError) -> ArgumentValues {
        var values = ArgumentValues(positional: try evaluate(arguments.positional))
        for argument in arguments.named {
            try add(argument.name, try evaluate(argument.value), to: &values)
        }
        if let list = arguments.list {
            values.positional += try items(of: try evaluate(list), to: "pass on")
        }
        if let dictionary = arguments.dictionary {
            guard case .dictionary(let map) = try evaluate(dictionary) else {
                throw failure(.wrongType(operation: "pass on by name", found: "no dictionary"))
            }
            for entry in map.entries.values {
                guard let name = entry.key.text else {
                    throw failure(.wrongType(operation: "use as a name", found: entry.key.kind))
                }
                try add(name, entry.value, to: &values)
            }
        }
        return values
    }

    private func add(
        _ name: Text,
        _ value: Value,
        to values: inout ArgumentValues
    ) throws(TemplateError) {
        guard values.named.add(name, value) else {
            let reason = "'\(name.string)' is given twice"
            throw failure(.wrongArguments(of: "something", reason: reason))
        }
    }

    private func makeMap(_ pairs: [Pair]) throws(TemplateError) -> Value {
        var map = Map()
        for pair in pairs {
            let key = try evaluate(pair.key)
            map.set(try evaluate(pair.value), for: key, as: try hashed(key))
        }
        return try make(map)
    }

    func hashed(_ value: Value) throws(TemplateError) -> Key {
        guard let key = Key(value) else {
            throw failure(.wrongType(operation: "use as a key", found: value.kind))
        }
        return key
    }

    private func joined(_ parts: [Expression]) throws(TemplateError) -> Value {
        var text = Text.empty
        for part in parts {
            let piece = try shown(try evaluate(part))
            try charge(memory: piece.bytes.count)
            text.append(piece)
        }
        return .string(text)
    }

    /// Everything in a value that can be gone through.
    func items(of value: Value, to operation: String) throws(TemplateError) -> [Value] {
        switch value {
        case .undefined: return []
        case .list(let list): return list.items
        case .dictionary(let map):
            try charge(memory: map.count * MemoryLayout<Value>.stride)
            return map.keys
        case .string(let text):
            try charge(memory: text.bytes.count * MemoryLayout<Value>.stride)
            return text.scalars.map { Value(String($0)) }
        default: throw failure(.wrongType(operation: operation, found: value.kind))
        }
    }

    // MARK: Parts of values

    /// `owner.name`: a method wins over an entry, as in Jinja.
    func attribute(_ name: Text, of owner: Value) throws(TemplateError) -> Value {
        switch owner {
        case .undefined(let what):
            throw failure(.undefined("\(what.string), asked for '\(name.string)',"))
        case .namespace(let id):
            return attribute(name, ofNamespace: id) ?? missing(name)
        case .loop(let loop):
            return try loop.attribute(name, checked: checkedItem) ?? missing(name)
        case .dictionary(let map):
            if Methods.ofDictionaries.contains(name) {
                return .callable(.method(of: owner, name: name))
            }
            return map[.string(name)] ?? missing(name)
        case .string where Methods.ofStrings.contains(name),
            .list where Methods.ofLists.contains(name):
            return .callable(.method(of: owner, name: name))
        default: return missing(name)
        }
    }

    private func checkedItem(_ value: Value) throws(TemplateError) -> Value { try checked(value) }

    private func missing(_ name: Text) -> Value { .undefined(Text("'\(name.string)'")) }

    /// `owner[key]`: an entry wins over a method.
    func item(_ key: Value, of owner: Value) throws(TemplateError) -> Value {
        switch owner {
        case .undefined(let what):
            throw failure(.undefined("\(what.string), asked for an item,"))
        case .dictionary(let map):
            if let hashed = Key(key), let value = map[hashed] { return value }
        case .list(let list):
            if let place = key.integer, let index = Self.index(place, of: list.items.count) {
                return list.items[index]
            }
        case .string(let text):
            if let place = key.integer {
                try charge(bytes: text.bytes.count)
                let starts = text.starts()
                guard let index = Self.index(place, of: starts.count - 1) else { break }
                return try make(Text(bytes: text.bytes[starts[index]..<starts[index + 1]]))
            }
        default: break
        }
        guard let name = key.text else { return .undefined("an item outside the list") }
        return try attribute(name, of: owner)
    }

    /// Places count from the end where they are negative.
    private static func index(_ place: Int, of count: Int) -> Int? {
        let index = place < 0 ? place + count : place
        return (0..<count).contains(index) ? index : nil
    }

    private func slice(_ owner: Value, _ bounds: SliceBounds) throws(TemplateError) -> Value {
        let start = try bound(bounds.start)
        let end = try bound(bounds.end)
        let step = try bound(bounds.step) ?? 1
        guard step != 0 else { throw failure(.notInRange("the step 0 of a slice")) }
        switch owner {
        case .list(let list):
            let places = Self.places(start, end, step, count: list.items.count)
            return try make(places.map { list.items[$0] }, isTuple: list.isTuple)
        case .string(let text):
            try charge(memory: text.bytes.count)
            let starts = text.starts()
            let places = Self.places(start, end, step, count: starts.count - 1)
            if step == 1, let first = places.first, let last = places.last {
                return .string(Text(bytes: text.bytes[starts[first]..<starts[last + 1]]))
            }
            let pieces = places.map { text.bytes[starts[$0]..<starts[$0 + 1]] }
            return .string(Text(bytes: pieces.joined()))
        case .undefined(let what): throw failure(.undefined(what.string))
        default: throw failure(.wrongType(operation: "take a slice of", found: owner.kind))
        }
    }

    private func bound(_ expression: Expression?) throws(TemplateError) -> Int? {
        guard let expression else { return nil }
        let value = try evaluate(expression)
        if case .none = value { return nil }
        guard let integer = value.integer else {
            throw failure(.wrongType(operation: "use as a slice's bound", found: value.kind))
        }
        return integer
    }

    /// Which places a slice takes, as Python counts them.
    private static func places(_ start: Int?, _ end: Int?, _ step: Int, count: Int) -> [Int] {
        func clamped(_ place: Int, _ lowest: Int, _ highest: Int) -> Int {
            max(lowest, min(highest, place < 0 ? place + count : place))
        }
        if step > 0 {
            let first = start.map { clamped($0, 0, count) } ?? 0
            let last = end.map { clamped($0, 0, count) } ?? count
            guard first < last else { return [] }
            return Array(stride(from: first, to: last, by: min(step, count)))
        }
        let first = start.map { clamped($0, -1, count - 1) } ?? count - 1
        let last = end.map { clamped($0, -1, count - 1) } ?? -1
        guard first > last else { return [] }
        return Array(stride(from: first, to: last, by: max(step, -count)))
    }
}

extension LoopState {
    /// - Parameter checked: refuses what is nested too deep.
    func attribute(
        _ name: Text,
        checked: (Value) throws(TemplateError) -> Value
    ) throws(TemplateError) -> Value? {
        let count = items.count
        switch name.string {
        case "index": return .int(index + 1)
        case "index0": return .int(index)
        case "revindex": return .int(count - index)
        case "revindex0": return .int(count - index - 1)
        case "first": return .bool(index == 0)
        case "last": return .bool(index == count - 1)
        case "length": return .int(count)
        // Only of recursive loops, which there are none of.
        case "depth": return .int(1)
        case "depth0": return .int(0)
        case "previtem": return index > 0 ? items[index - 1] : .undefined("'loop.previtem'")
        case "nextitem":
            return index + 1 < count ? items[index + 1] : .undefined("'loop.nextitem'")
        case "cycle": return try checked(.callable(.method(of: .loop(self), name: name)))
        default: return nil
        }
    }
}
