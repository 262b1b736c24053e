/// Runs a template's statements, within limits.
///
/// Made for one rendering and used from one thread. It holds what changes, namespaces, and what
/// knows its surroundings, macros; values only name them, so that nothing holds itself.
final class Interpreter {
    /// A macro and the names around it.
    struct Macro {
        let definition: MacroDefinition
        let scope: Scope
    }

    enum Flow { case onward, breakLoop, continueLoop }

    let limits: Limits
    let date: TemplateDate?
    var scope: Scope
    /// Of the statement or expression that runs.
    var line = 1
    private(set) var output: [UInt8] = []
    private var macros: [Macro] = []
    private var namespaces: [OrderedMap<Text, Value>] = []
    private var depth = 0
    private var steps = 0
    private var valueByteCount = 0

    init(limits: Limits, date: TemplateDate?) {
        self.limits = limits
        self.date = date
        scope = Scope()
        for function in Function.allCases {
            scope.set(Text(function.rawValue), .callable(.function(function)))
        }
    }

    // MARK: Limits

    func failure(_ problem: TemplateError.Problem) -> TemplateError {
        TemplateError(line: line, problem: problem)
    }

    /// Counts work: a step, and one more for each 64 bytes that are looked at.
    func charge(bytes: Int = 0) throws(TemplateError) {
        steps += 1 + bytes / 64
        guard steps <= limits.steps else { throw failure(.tooManySteps(limit: limits.steps)) }
    }

    /// Counts memory, before it is taken.
    func charge(memory: Int) throws(TemplateError) {
        let (sum, overflows) = valueByteCount.addingReportingOverflow(memory)
        guard !overflows, sum <= limits.valueByteCount else {
            throw failure(.tooMuchMemory(limit: limits.valueByteCount))
        }
        valueByteCount = sum
        try charge(bytes: memory)
    }

    /// A text that an expression made.
    func make(_ text: Text) throws(TemplateError) -> Value {
        try charge(memory: text.bytes.count)
        return .string(text)
    }

    func make(_ items: [Value], isTuple: Bool = false) throws(TemplateError) -> Value {
        try charge(memory: items.count * MemoryLayout<Value>.stride)
        return try checked(.list(List(items, isTuple: isTuple)))
    }

    func make(_ map: Map) throws(TemplateError) -> Value {
        try charge(memory: map.count * 4 * MemoryLayout<Value>.stride)
        return try checked(.dictionary(map))
    }

    /// Freeing values takes stack as they are nested.
    func checked(_ value: Value) throws(TemplateError) -> Value {
        guard value.depth <= limits.depth else { throw failure(.tooDeep(limit: limits.depth)) }
        return value
    }

    /// Runs what is nested one deeper.
    func descend<Result>(
        _ body: () throws(TemplateError) -> Result
    ) throws(TemplateError) -> Result {
        guard depth < limits.depth else { throw failure(.tooDeep(limit: limits.depth)) }
        depth += 1
        defer { depth -= 1 }
        return try body()
    }

    // MARK: Output

    func write(_ text: Text) throws(TemplateError) {
        try charge(bytes: text.bytes.count)
        guard output.count + text.bytes.count <= limits.outputByteCount else {
            throw failure(.tooMuchOutput(limit: limits.outputByteCount))
        }
        output += text.bytes
    }

    /// What statements print, as a text.
    func capture(_ body: () throws(TemplateError) -> Void) throws(TemplateError) -> Text {
        let outer = output
        output = []
        defer { output = outer }
        try body()
        try charge(memory: output.count)
        return Text(bytes: output)
    }

    // MARK: Statements

    func run(_ statements: [Statement]) throws(TemplateError) -> Flow {
        try descend { () throws(TemplateError) in
            for statement in statements {
                line = statement.line
                try charge()
                let flow = try run(statement.kind)
                guard flow == .onward else { return flow }
            }
            return .onward
        }
    }

    /// Runs statements among names of their own.
    func run(_ statements: [Statement], in inner: Scope) throws(TemplateError) -> Flow {
        let outer = scope
        scope = inner
        defer { scope = outer }
        return try run(statements)
    }

    private func run(_ kind: StatementKind) throws(TemplateError) -> Flow {
        switch kind {
        case .text(let text): try write(text)
        case .show(let expression): try write(try shown(try evaluate(expression)))
        case .set(let target, let value): try assign(try evaluate(value), to: target)
        case .setBlock(let target, let filters, let body):
            try assign(try filtered(body, by: filters), to: target)
        case .filterBlock(let filters, let body):
            try write(try shown(try filtered(body, by: filters)))
        case .condition(let branches, let otherwise):
            for branch in branches {
                if try evaluate(branch.test).isTrue { return try run(branch.body) }
            }
            return try run(otherwise)
        case .loop(let loop): return try run(loop)
        case .macro(let definition):
            scope.set(definition.name, try define(definition))
        case .callBlock(let call, let definition):
            try write(try shown(try evaluate(call, caller: try define(definition))))
        case .with(let assignments, let body):
            let inner = Scope(inside: scope)
            for assignment in assignments {
                // Values see the names outside, targets are inside.
                let value = try evaluate(assignment.value)
                try assign(value, to: assignment.target, in: inner)
            }
            return try run(body, in: inner)
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        }
        return .onward
    }

    private func filtered(
        _ body: [Statement],
        by filters: [FilterCall]
    ) throws(TemplateError) -> Value {
        let text = try capture { () throws(TemplateError) in
            _ = try run(body, in: Scope(inside: scope))
        }
        var value = Value.string(text)
        for filter in filters {
            line = filter.line
            value = try apply(filter.name, to: value, try evaluate(filter.arguments))
        }
        return value
    }

    // MARK: Names

    func assign(_ value: Value, to target: Target, in inner: Scope? = nil) throws(TemplateError) {
        switch target {
        case .name(let name): (inner ?? scope).set(name, value)
        case .attribute(let owner, let name):
            guard case .namespace(let id) = scope.value(of: owner) else {
                let operation = "set '\(name.string)' of '\(owner.string)': it must be a namespace"
                throw failure(.wrongType(operation: operation + ", not", found: "another value"))
            }
            try charge(memory: MemoryLayout<Value>.stride)
            namespaces[id][name] = value
        case .tuple(let targets):
            let items = try items(of: value, to: "take apart")
            guard items.count == targets.count else {
                let found = "\(items.count) values for \(targets.count) names"
                throw failure(.wrongType(operation: "assign", found: found))
            }
            for (target, item) in zip(targets, items) { try assign(item, to: target, in: inner) }
        }
    }

    func makeNamespace(_ values: OrderedMap<Text, Value>) throws(TemplateError) -> Value {
        try charge(memory: (1 + values.count) * 2 * MemoryLayout<Value>.stride)
        namespaces.append(values)
        return .namespace(namespaces.count - 1)
    }

    func attribute(_ name: Text, ofNamespace id: Int) -> Value? { namespaces[id][name] }

    // MARK: Loops

    private func run(_ loop: ForLoop) throws(TemplateError) -> Flow {
        let items = try wantedItems(of: loop)
        guard !items.isEmpty else {
            return try run(loop.otherwise, in: Scope(inside: scope))
        }
        for (index, item) in items.enumerated() {
            try charge(memory: 64)
            let turn = Scope(inside: scope)
            turn.set("loop", .loop(LoopState(items: items, index: index)))
            try assign(item, to: loop.target, in: turn)
            if try run(loop.body, in: turn) == .breakLoop { break }
        }
        return .onward
    }

    private func wantedItems(of loop: ForLoop) throws(TemplateError) -> [Value] {
        let items = try items(of: try evaluate(loop.items), to: "go through")
        guard let test = loop.test else { return items }
        let outer = scope
        defer { scope = outer }
        var wanted: [Value] = []
        for item in items {
            scope = Scope(inside: outer)
            try assign(item, to: loop.target)
            if try evaluate(test).isTrue { wanted.append(item) }
        }
        try charge(memory: wanted.count * MemoryLayout<Value>.stride)
        return wanted
    }

    // MARK: Macros

    private func define(_ definition: MacroDefinition) throws(TemplateError) -> Value {
        try charge(memory: 2 * MemoryLayout<Macro>.stride)
        macros.append(Macro(definition: definition, scope: scope))
        return .callable(.macro(macros.count - 1))
    }

    /// What a macro prints.
    func call(
        macro id: Int,
        _ arguments: ArgumentValues,
        caller: Value?
    ) throws(TemplateError) -> Value {
        let macro = macros[id]
        let inner = Scope(inside: macro.scope)
        try bind(arguments, to: macro.definition, in: inner)
        if let caller { inner.set("caller", caller) }
        let outer = line
        defer { line = outer }
        return .string(
            try capture { () throws(TemplateError) in
                _ = try run(macro.definition.body, in: inner)
            }
        )
    }

    private func bind(
        _ arguments: ArgumentValues,
        to macro: MacroDefinition,
        in inner: Scope
    ) throws(TemplateError) {
        let name = macro.name.string
        var rest = arguments.positional[...]
        var named = arguments.named
        for parameter in macro.parameters {
            let given = named.remove(parameter.name)
            if let first = rest.popFirst() {
                guard given == nil else {
                    let reason = "'\(parameter.name.string)' is given twice"
                    throw failure(.wrongArguments(of: name, reason: reason))
                }
                inner.set(parameter.name, first)
            } else if let given {
                inner.set(parameter.name, given)
            } else {
                inner.set(parameter.name, try fallback(of: parameter, in: inner))
            }
        }
        try bindRest(Array(rest), named, to: macro, in: inner)
    }

    /// What a macro is given beyond its parameters.
    private func bindRest(
        _ rest: [Value],
        _ named: NamedValues,
        to macro: MacroDefinition,
        in inner: Scope
    ) throws(TemplateError) {
        let name = macro.name.string
        guard macro.takesMoreValues || rest.isEmpty else {
            let reason = "it takes \(macro.parameters.count) values"
            throw failure(.wrongArguments(of: name, reason: reason))
        }
        if !macro.takesOtherNames, let other = named.first {
            let reason = "it has no parameter '\(other.name.string)'"
            throw failure(.wrongArguments(of: name, reason: reason))
        }
        if macro.takesMoreValues { inner.set("varargs", try make(rest, isTuple: true)) }
        if macro.takesOtherNames { inner.set("kwargs", try make(named.map)) }
    }

    private func fallback(
        of parameter: MacroDefinition.Parameter,
        in inner: Scope
    ) throws(TemplateError) -> Value {
        guard let fallback = parameter.fallback else {
            return .undefined(Text("parameter '\(parameter.name.string)'"))
        }
        let outer = scope
        scope = inner
        defer { scope = outer }
        return try evaluate(fallback)
    }
}
