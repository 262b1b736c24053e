public import JSON

extension TemplateValue {
    /// Reads JSON, with keys in order.
    ///
    /// - Throws: where it is no JSON, or beyond the limits of its reader.
    public init(json bytes: [UInt8]) throws(JSONError) {
        self.init(try JSONValue(parsing: bytes))
    }

    public init(json text: String) throws(JSONError) { try self.init(json: Array(text.utf8)) }

    package init(_ value: JSONValue) {
        switch value {
        case .null: self = .none
        case .bool(let isTrue): self = .bool(isTrue)
        case .integer(let whole): self = .int(whole)
        case .number(let number): self = .float(number)
        case .string(let text): self = .string(text)
        case .array(let elements): self = .list(elements.map { TemplateValue($0) })
        case .object(let members):
            var dictionary: TemplateDictionary = [:]
            for member in members { dictionary[member.key] = TemplateValue(member.value) }
            self = .dictionary(dictionary)
        }
    }
}

extension TemplateValue {
    /// As JSON, on one line, with a space behind commas and colons.
    public var json: String {
        var bytes: [UInt8] = []
        write(into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func write(into bytes: inout [UInt8]) {
        switch self {
        case .none: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .int(let value): bytes += "\(value)".utf8
        // JSON has no word for what is not a number.
        case .float(let value): bytes += (value.isFinite ? "\(value)" : "null").utf8
        case .string(let text): JSONWriter.append(Text(text), to: &bytes)
        case .list(let items):
            bytes.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { bytes += ", ".utf8 }
                item.write(into: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .dictionary(let dictionary):
            bytes.append(UInt8(ascii: "{"))
            for (index, entry) in dictionary.entries.enumerated() {
                if index > 0 { bytes += ", ".utf8 }
                JSONWriter.append(Text(entry.key), to: &bytes)
                bytes += ": ".utf8
                entry.value.write(into: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }
}
