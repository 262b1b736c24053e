/// Filters that make texts of texts.
extension Interpreter {
    static let textFilters: Set<String> = [
        "upper", "lower", "title", "capitalize", "trim", "replace", "indent", "truncate", "center",
        "escape", "e", "forceescape", "format", "wordcount",
    ]

    func applyToText(
        _ name: String,
        _ value: Value,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value? {
        let text = try shown(value)
        // Going through characters one by one is slower than through bytes.
        try charge(bytes: text.bytes.count.timesClamped(8))
        if value.text == nil, name == "indent" || name == "truncate" && !value.isUndefined {
            throw failure(.wrongType(operation: name, found: value.kind))
        }
        switch name {
        case "upper": return try make(text.uppercased)
        case "lower": return try make(text.lowercased)
        case "capitalize": return try make(text.capitalized)
        case "title": return try make(Self.titled(text))
        case "trim": return try strip(text, try reader.textOrNone("chars"))
        case "replace":
            let old = try shown(try reader.require("old"))
            let new = try shown(try reader.require("new"))
            return try replaced(text, old, new, limit: try reader.integer("count"))
        case "indent": return try indented(text, &reader)
        case "truncate": return try truncated(text, &reader)
        case "center":
            let width = try reader.integer("width") ?? 80
            let arguments = ArgumentValues(positional: [.int(width)])
            return try call("center", of: .string(text), arguments)
        case "wordcount": return .int(Self.wordCount(text))
        case "format":
            let values = reader.takeAll()
            return try make(try formatted(text, try make(values, isTuple: true)))
        default: return try escaped(text)
        }
    }

    /// The first letter of each word large, the others small; words end at spaces and brackets.
    private static func titled(_ text: Text) -> Text {
        var startsWord = true
        func isEnd(_ scalar: Unicode.Scalar) -> Bool {
            Text.isSpace(scalar) || "-({[<".unicodeScalars.contains(scalar)
        }
        return text.mapped { byte in
            defer { startsWord = isEnd(Unicode.Scalar(byte)) }
            return startsWord ? Text.upper(byte) : Text.lower(byte)
        } other: { scalar in
            defer { startsWord = isEnd(scalar) }
            return startsWord
                ? scalar.properties.uppercaseMapping : scalar.properties.lowercaseMapping
        }
    }

    private static func wordCount(_ text: Text) -> Int {
        var count = 0
        var isInside = false
        for scalar in text.scalars {
            let properties = scalar.properties
            let isWord =
                properties.isAlphabetic || properties.numericType != nil || scalar == "_"
            if isWord, !isInside { count += 1 }
            isInside = isWord
        }
        return count
    }

    private func indented(
        _ text: Text,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        let width = try reader.next("width") ?? .int(4)
        let first = try reader.flag("first")
        let blank = try reader.flag("blank")
        var indent = Text.empty
        if let given = width.text {
            indent = given
        } else if let count = width.integer, count <= 1000 {
            indent = Text(String(repeating: " ", count: max(0, count)))
        } else {
            throw reader.failure("'width' must be a text or a number up to 1000")
        }
        let lines =
            (text.bytes.isEmpty ? [Text.empty] : Text(bytes: text.bytes + [.newline]).lines())
        try charge(memory: lines.count.timesClamped(indent.bytes.count + 1) + text.bytes.count)
        var result = first ? indent.bytes : []
        for (index, line) in lines.enumerated() {
            if index > 0 {
                result.append(.newline)
                if blank || !line.isEmpty { result += indent.bytes }
            }
            result += line.bytes
        }
        return .string(Text(bytes: result))
    }

    private func truncated(
        _ text: Text,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        let length = try reader.integer("length") ?? 255
        let cutsWords = try reader.flag("killwords")
        let end = try reader.text("end") ?? "..."
        let leeway = try reader.integer("leeway") ?? 5
        guard length >= end.count, leeway >= 0, leeway <= Int.max - length else {
            throw reader.failure("'length' must be as large as 'end' is long, 'leeway' 0 or more")
        }
        guard text.count > length + leeway else { return .string(text) }
        let kept = Text(String(text.scalars.prefix(length - end.count)))
        let words = cutsWords ? kept : kept.lastParts(between: " ", limit: 1)[0]
        return try make(Text(bytes: words.bytes + end.bytes))
    }

    /// For HTML, where a template asks for it.
    private func escaped(_ text: Text) throws(TemplateError) -> Value {
        try charge(memory: text.bytes.count.timesClamped(5))
        var result: [UInt8] = []
        for byte in text.bytes {
            switch byte {
            case UInt8(ascii: "&"): result += "&amp;".utf8
            case UInt8(ascii: "<"): result += "&lt;".utf8
            case UInt8(ascii: ">"): result += "&gt;".utf8
            case UInt8(ascii: "'"): result += "&#39;".utf8
            case UInt8(ascii: "\""): result += "&#34;".utf8
            default: result.append(byte)
            }
        }
        return .string(Text(bytes: result))
    }
}
