/// What every template can call by name.
enum Function: String, CaseIterable, Sendable {
    case range
    case dict
    case namespace
    case raiseException = "raise_exception"
    case strftimeNow = "strftime_now"
}

extension Interpreter {
    func call(
        _ value: Value,
        _ arguments: ArgumentValues,
        caller: Value? = nil
    ) throws(TemplateError) -> Value {
        switch value {
        case .callable(.function(let function)): return try call(function, arguments)
        case .callable(.macro(let id)):
            return try call(macro: id, arguments, caller: caller)
        case .callable(.method(let owner, let name)):
            return try call(name, of: owner, arguments)
        case .undefined(let what): throw failure(.undefined(what.string))
        default: throw failure(.wrongType(operation: "call", found: value.kind))
        }
    }

    private func call(
        _ function: Function,
        _ arguments: ArgumentValues
    ) throws(TemplateError) -> Value {
        var reader = ArgumentReader(function.rawValue, arguments, line: line)
        switch function {
        case .range:
            let numbers = try range(&reader)
            try reader.end()
            return numbers
        case .dict, .namespace:
            let values = try namedValues(arguments)
            return function == .dict ? try make(values.map) : try makeNamespace(values.values)
        case .raiseException:
            let message = try shown(try reader.require("message"))
            throw failure(.raised(message.string))
        case .strftimeNow:
            let format = try reader.requireText("format")
            guard let date else { throw failure(.undefined("'strftime_now'")) }
            try charge(memory: format.bytes.count.timesClamped(16))
            return try make(Text(date.formatted(format.string)))
        }
    }

    private func range(_ reader: inout ArgumentReader) throws(TemplateError) -> Value {
        guard let first = try reader.integer("start") else {
            throw reader.failure("it needs a number")
        }
        let second = try reader.integer("stop")
        let step = try reader.integer("step") ?? 1
        guard step != 0 else { throw failure(.notInRange("the step 0 of 'range'")) }
        let (start, end) = second.map { (first, $0) } ?? (0, first)
        let isEmpty = step > 0 ? start >= end : start <= end
        guard !isEmpty else { return .list([]) }
        let low = UInt(bitPattern: min(start, end))
        let high = UInt(bitPattern: max(start, end))
        let count = (high &- low - 1) / step.magnitude + 1
        guard count <= UInt(clamping: limits.rangeCount) else {
            let problem = TemplateError.Problem.rangeTooLong(
                count: Int(clamping: count),
                limit: limits.rangeCount
            )
            throw failure(problem)
        }
        try charge(memory: Int(clamping: count) * MemoryLayout<Value>.stride)
        return .list(stride(from: start, to: end, by: step).map { .int($0) })
    }

    /// Of `dict` and `namespace`: a dictionary or pairs, and names.
    private func namedValues(_ arguments: ArgumentValues) throws(TemplateError) -> NamedValues {
        var values = NamedValues()
        guard arguments.positional.count <= 1 else {
            throw failure(.wrongArguments(of: "'dict'", reason: "it takes one dictionary"))
        }
        if let first = arguments.positional.first {
            guard case .dictionary(let map) = first else {
                throw failure(.wrongType(operation: "make a dictionary of", found: first.kind))
            }
            for entry in map.entries.values {
                guard let name = entry.key.text else {
                    throw failure(.wrongType(operation: "use as a name", found: entry.key.kind))
                }
                values.set(name, entry.value)
            }
        }
        for entry in arguments.named.map.entries.values {
            if let name = entry.key.text { values.set(name, entry.value) }
        }
        return values
    }
}
