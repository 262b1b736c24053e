/// How values look when they are printed: what Python's `str` and `repr` say.
extension Interpreter {
    func shown(_ value: Value) throws(TemplateError) -> Text {
        switch value {
        case .string(let text): return text
        case .undefined: return .empty
        default:
            var bytes: [UInt8] = []
            try represent(value, into: &bytes)
            return Text(bytes: bytes)
        }
    }

    func represent(_ value: Value, into bytes: inout [UInt8]) throws(TemplateError) {
        try charge()
        switch value {
        case .undefined: bytes += "Undefined".utf8
        case .none: bytes += "None".utf8
        case .bool(let value): bytes += (value ? "True" : "False").utf8
        case .int(let value): bytes += "\(value)".utf8
        case .float(let value): bytes += "\(value)".utf8
        case .string(let text):
            let quoted = Self.quoted(text)
            try charge(memory: quoted.count)
            bytes += quoted
        case .list(let list):
            bytes += (list.isTuple ? "(" : "[").utf8
            for (index, item) in list.items.enumerated() {
                if index > 0 { bytes += ", ".utf8 }
                try represent(item, into: &bytes)
            }
            if list.isTuple, list.items.count == 1 { bytes += ",".utf8 }
            bytes += (list.isTuple ? ")" : "]").utf8
        case .dictionary(let map):
            bytes += "{".utf8
            for (index, entry) in map.entries.values.enumerated() {
                if index > 0 { bytes += ", ".utf8 }
                try represent(entry.key, into: &bytes)
                bytes += ": ".utf8
                try represent(entry.value, into: &bytes)
            }
            bytes += "}".utf8
        case .namespace, .loop, .callable:
            throw failure(.wrongType(operation: "print", found: value.kind))
        }
    }

    /// In quotes, as Python chooses them.
    private static func quoted(_ text: Text) -> [UInt8] {
        let hasSingle = text.bytes.contains(UInt8(ascii: "'"))
        let hasDouble = text.bytes.contains(UInt8(ascii: "\""))
        let quote: Unicode.Scalar = hasSingle && !hasDouble ? "\"" : "'"
        var bytes = Array(String(quote).utf8)
        for scalar in text.scalars {
            switch scalar {
            case quote, "\\": bytes += "\\\(scalar)".utf8
            case "\n": bytes += "\\n".utf8
            case "\r": bytes += "\\r".utf8
            case "\t": bytes += "\\t".utf8
            case _ where isPrintable(scalar): bytes += String(scalar).utf8
            default: bytes += escaped(scalar).utf8
            }
        }
        return bytes + String(quote).utf8
    }

    static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator:
            false
        case .spaceSeparator: scalar == " "
        default: true
        }
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar.value {
        case 0..<0x100: "\\x" + JSONWriter.hexadecimal(scalar.value, digits: 2)
        case 0x100..<0x10000: "\\u" + JSONWriter.hexadecimal(scalar.value, digits: 4)
        default: "\\U" + JSONWriter.hexadecimal(scalar.value, digits: 8)
        }
    }
}
