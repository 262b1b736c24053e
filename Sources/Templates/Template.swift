/// A template that was read: Jinja as chat templates use it, in a sandbox.
///
/// It has no access to anything but what `render` is given, changes nothing but its own
/// namespaces, and costs no more than its limits. A value; any number of threads may render it.
public struct Template: Sendable {
    private let statements: [Statement]
    private let limits: Limits

    /// Reads a template.
    ///
    /// - Throws: what is wrong with its text, and in which line.
    public init(_ source: String, limits: Limits = Limits()) throws(TemplateError) {
        self.limits = limits
        statements = try Parser.statements(of: source, limits: limits)
    }

    /// The text that a template makes of values.
    ///
    /// - Parameters:
    ///   - variables: by the names that the template knows them by.
    ///   - date: what `strftime_now` writes; the template finds no such function without it.
    public func render(
        _ variables: TemplateDictionary,
        date: TemplateDate? = nil
    ) throws(TemplateError) -> String {
        let interpreter = Interpreter(limits: limits, date: date)
        return try interpreter.render(statements, variables)
    }
}

extension Interpreter {
    fileprivate func render(
        _ statements: [Statement],
        _ variables: TemplateDictionary
    ) throws(TemplateError) -> String {
        for (name, value) in variables.entries {
            scope.set(Text(name), try convert(value, depth: 1))
        }
        scope = Scope(inside: scope)
        _ = try run(statements)
        return String(decoding: output, as: UTF8.self)
    }

    private func convert(_ value: TemplateValue, depth: Int) throws(TemplateError) -> Value {
        guard depth <= limits.depth else { throw failure(.tooDeep(limit: limits.depth)) }
        switch value {
        case .none: return .none
        case .bool(let value): return .bool(value)
        case .int(let value): return .int(value)
        case .float(let value): return .float(value)
        case .string(let string): return try make(Text(string))
        case .list(let items):
            var values: [Value] = []
            for item in items { values.append(try convert(item, depth: depth + 1)) }
            return try make(values)
        case .dictionary(let dictionary):
            var map = Map()
            for (key, value) in dictionary.entries {
                let name = Text(key)
                let value = try convert(value, depth: depth + 1)
                map.set(value, for: .string(name), as: .string(name))
            }
            return try make(map)
        }
    }
}
