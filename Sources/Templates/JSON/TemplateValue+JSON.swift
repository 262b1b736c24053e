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
