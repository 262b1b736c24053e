/// Values as JSON, spaced and escaped as Python's `json.dumps` does it.
struct JSONWriter {
    /// Spaces or other text for each level; nil writes everything on one line.
    var indent: Text?
    var itemSeparator: Text = ", "
    var keySeparator: Text = ": "
    var sortsKeys = false
    /// Writes `\u` for what is not ASCII.
    var escapesAll = false

    private(set) var bytes: [UInt8] = []

    init() {}

    /// - Throws: what is no JSON, and what `count` throws, which is told the bytes to come.
    mutating func write(
        _ value: Value,
        level: Int = 0,
        count: (Int) throws(TemplateError.Problem) -> Void
    ) throws(TemplateError.Problem) {
        try count(size(of: value, level: level))
        switch value {
        case .none: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .int(let value): bytes += "\(value)".utf8
        case .float(let value): bytes += Self.number(value).utf8
        case .string(let text): write(text)
        case .list(let list):
            var items = list.items.makeIterator()
            try writeAll(open: "[", close: "]", level: level, count: count) {
                (writer: inout JSONWriter) throws(TemplateError.Problem) in
                guard let item = items.next() else { return false }
                writer.separate(level: level + 1)
                try writer.write(item, level: level + 1, count: count)
                return true
            }
        case .dictionary(let map):
            var entries = try ordered(map).makeIterator()
            try writeAll(open: "{", close: "}", level: level, count: count) {
                (writer: inout JSONWriter) throws(TemplateError.Problem) in
                guard let entry = entries.next() else { return false }
                writer.separate(level: level + 1)
                writer.write(entry.key)
                writer.bytes += writer.keySeparator.bytes
                try writer.write(entry.value, level: level + 1, count: count)
                return true
            }
        default: throw .wrongType(operation: "write as JSON", found: value.kind)
        }
    }

    /// Bytes that a value adds at most, without those inside it.
    private func size(of value: Value, level: Int) -> Int {
        let space = 16 + (indent?.bytes.count ?? 0).timesClamped(level + 1)
        guard case .string(let text) = value else { return space }
        let isPlain = !escapesAll && text.bytes.allSatisfy { $0 >= 0x20 }
        return space + text.bytes.count.timesClamped(isPlain ? 2 : 6)
    }

    /// Brackets and what stands between them, as long as there is more.
    private mutating func writeAll(
        open: String,
        close: String,
        level: Int,
        count: (Int) throws(TemplateError.Problem) -> Void,
        next: (inout JSONWriter) throws(TemplateError.Problem) -> Bool
    ) throws(TemplateError.Problem) {
        bytes += open.utf8
        var isEmpty = true
        while try next(&self) { isEmpty = false }
        if !isEmpty { breakLine(level: level) }
        bytes += close.utf8
    }

    /// Begins an item: behind the bracket, or behind another item.
    private mutating func separate(level: Int) {
        if let last = bytes.last, last != UInt8(ascii: "["), last != UInt8(ascii: "{") {
            bytes += itemSeparator.bytes
        }
        breakLine(level: level)
    }

    private mutating func breakLine(level: Int) {
        guard let indent else { return }
        bytes.append(.newline)
        for _ in 0..<level { bytes += indent.bytes }
    }

    private struct Entry {
        let key: Text
        let value: Value
    }

    private func ordered(_ map: Map) throws(TemplateError.Problem) -> [Entry] {
        var entries: [Entry] = []
        for entry in map.entries.values {
            entries.append(Entry(key: try Self.key(entry.key), value: entry.value))
        }
        return sortsKeys ? entries.sorted { $0.key < $1.key } : entries
    }

    private static func key(_ key: Value) throws(TemplateError.Problem) -> Text {
        switch key {
        case .string(let text): text
        case .none: "null"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): Text("\(value)")
        case .float(let value): Text(number(value))
        default: throw .wrongType(operation: "write as a key of JSON", found: key.kind)
        }
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        guard value.isInfinite else { return "\(value)" }
        return value < 0 ? "-Infinity" : "Infinity"
    }

    private mutating func write(_ text: Text) {
        Self.append(text, to: &bytes, escapingAll: escapesAll)
    }

    /// Appends a text in quotes.
    static func append(_ text: Text, to bytes: inout [UInt8], escapingAll: Bool = false) {
        bytes.append(UInt8(ascii: "\""))
        if escapingAll, text.bytes.contains(where: { $0 >= 0x7F }) {
            for scalar in text.scalars { append(scalar, to: &bytes) }
        } else {
            for byte in text.bytes { append(byte, to: &bytes) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func append(_ byte: UInt8, to bytes: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
        case UInt8(ascii: "\n"): bytes += "\\n".utf8
        case UInt8(ascii: "\r"): bytes += "\\r".utf8
        case UInt8(ascii: "\t"): bytes += "\\t".utf8
        case 0x08: bytes += "\\b".utf8
        case 0x0C: bytes += "\\f".utf8
        case 0..<0x20: bytes += ("\\u" + hexadecimal(UInt32(byte), digits: 4)).utf8
        default: bytes.append(byte)
        }
    }

    /// Appends what may be beyond ASCII as one or two numbers of UTF-16.
    private static func append(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
        guard scalar.value >= 0x7F else {
            return append(UInt8(truncatingIfNeeded: scalar.value), to: &bytes)
        }
        for unit in String(scalar).utf16 {
            bytes += ("\\u" + hexadecimal(UInt32(unit), digits: 4)).utf8
        }
    }

    static func hexadecimal(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
