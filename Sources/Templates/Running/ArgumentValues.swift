/// What a call was given.
struct ArgumentValues {
    var positional: [Value] = []
    var named = NamedValues()

    static let none = ArgumentValues()
}

/// Values given by name, in order.
struct NamedValues {
    struct Entry {
        let name: Text
        let value: Value
    }

    private var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }
    var first: Entry? { entries.first }

    /// - Returns: whether the name was free.
    mutating func add(_ name: Text, _ value: Value) -> Bool {
        guard !entries.contains(where: { $0.name == name }) else { return false }
        entries.append(Entry(name: name, value: value))
        return true
    }

    mutating func set(_ name: Text, _ value: Value) {
        _ = remove(name)
        entries.append(Entry(name: name, value: value))
    }

    subscript(name: Text) -> Value? { entries.first { $0.name == name }?.value }

    mutating func remove(_ name: Text) -> Value? {
        guard let place = entries.firstIndex(where: { $0.name == name }) else { return nil }
        return entries.remove(at: place).value
    }

    var map: Map {
        var map = Map()
        for entry in entries {
            map.set(entry.value, for: .string(entry.name), as: .string(entry.name))
        }
        return map
    }

    var values: OrderedMap<Text, Value> {
        var values = OrderedMap<Text, Value>()
        for entry in entries { values[entry.name] = entry.value }
        return values
    }
}

/// Takes the arguments of a filter, test or method one by one, by place or by name.
struct ArgumentReader {
    /// What is called, for messages.
    let name: String
    private var rest: ArraySlice<Value>
    private var named: NamedValues
    private let line: Int

    init(_ name: String, _ arguments: ArgumentValues, line: Int) {
        self.name = name
        self.line = line
        rest = arguments.positional[...]
        named = arguments.named
    }

    func failure(_ reason: String) -> TemplateError {
        TemplateError(line: line, problem: .wrongArguments(of: "'\(name)'", reason: reason))
    }

    /// The next argument; nil where none is given.
    mutating func next(_ parameter: Text) throws(TemplateError) -> Value? {
        let byName = named.remove(parameter)
        guard let byPlace = rest.popFirst() else { return byName }
        guard byName == nil else { throw failure("'\(parameter.string)' is given twice") }
        return byPlace
    }

    mutating func require(_ parameter: Text) throws(TemplateError) -> Value {
        guard let value = try next(parameter) else {
            throw failure("'\(parameter.string)' is missing")
        }
        return value
    }

    mutating func text(_ parameter: Text) throws(TemplateError) -> Text? {
        try next(parameter).map { value throws(TemplateError) in try text(value, parameter) }
    }

    private func text(_ value: Value, _ parameter: Text) throws(TemplateError) -> Text {
        guard let text = value.text else {
            throw failure("'\(parameter.string)' is \(value.kind), not a string")
        }
        return text
    }

    mutating func requireText(_ parameter: Text) throws(TemplateError) -> Text {
        guard let text = try text(parameter) else {
            throw failure("'\(parameter.string)' is missing")
        }
        return text
    }

    /// A text, or nil where none is given or none is meant.
    mutating func textOrNone(_ parameter: Text) throws(TemplateError) -> Text? {
        guard let value = try next(parameter) else { return nil }
        if case .none = value { return nil }
        return try text(value, parameter)
    }

    mutating func integer(_ parameter: Text) throws(TemplateError) -> Int? {
        guard let value = try next(parameter) else { return nil }
        guard let integer = value.integer else {
            throw failure("'\(parameter.string)' is \(value.kind), not an integer")
        }
        return integer
    }

    mutating func flag(_ parameter: Text) throws(TemplateError) -> Bool {
        try next(parameter)?.isTrue ?? false
    }

    /// What is left over goes to another filter or test.
    var remaining: ArgumentValues { ArgumentValues(positional: Array(rest), named: named) }

    /// All values given by place.
    mutating func takeAll() -> [Value] {
        defer { rest = [] }
        return Array(rest)
    }

    func end() throws(TemplateError) {
        if let other = named.first { throw failure("it has no '\(other.name.string)'") }
        guard rest.isEmpty else { throw failure("it was given too many values") }
    }
}
