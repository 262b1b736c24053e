/// Methods of strings, lists and dictionaries: those of Python that change nothing.
enum Methods {
    static let ofDictionaries: Set<Text> = ["items", "keys", "values", "get", "copy"]
    static let ofLists: Set<Text> = ["index", "count", "copy"]
    static let ofStrings: Set<Text> = [
        "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "startswith", "endswith",
        "upper", "lower", "title", "capitalize", "casefold", "replace", "find", "rfind", "index",
        "count", "join", "partition", "rpartition", "removeprefix", "removesuffix", "isdigit",
        "isnumeric", "isdecimal", "isalpha", "isalnum", "isspace", "isupper", "islower", "zfill",
        "ljust", "rjust", "center", "format",
    ]
}

extension Interpreter {
    func call(
        _ method: Text,
        of owner: Value,
        _ arguments: ArgumentValues
    ) throws(TemplateError) -> Value {
        var reader = ArgumentReader(method.string, arguments, line: line)
        let result: Value
        switch owner {
        case .dictionary(let map): result = try call(method, of: map, &reader)
        case .list(let list): result = try call(method, of: list, &reader)
        case .loop(let loop):
            let values = arguments.positional
            guard !values.isEmpty else { throw reader.failure("it needs values") }
            return values[loop.index % values.count]
        case .string(let text):
            try charge(bytes: text.bytes.count.timesClamped(4))
            if method == "format" { return try make(try filled(text, arguments)) }
            result = try call(method, of: text, &reader)
        default: throw failure(.wrongType(operation: "call a method of", found: owner.kind))
        }
        try reader.end()
        return result
    }

    private func call(
        _ method: Text,
        of map: Map,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        switch method {
        case "items":
            try charge(memory: map.count * 4 * MemoryLayout<Value>.stride)
            return .list(map.entries.values.map { .tuple([$0.key, $0.value]) })
        case "keys": return try make(map.keys)
        case "values": return try make(map.entries.values.map(\.value))
        case "copy": return .dictionary(map)
        default:
            let key = try hashed(try reader.require("key"))
            let fallback = try reader.next("default")
            return map[key] ?? fallback ?? .none
        }
    }

    private func call(
        _ method: Text,
        of list: List,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        guard method != "copy" else { return .list(list) }
        let wanted = try reader.require("value")
        var count = 0
        for (index, item) in list.items.enumerated() where try areEqual(item, wanted) {
            if method == "index" { return .int(index) }
            count += 1
        }
        guard method == "count" else {
            throw failure(.notInRange("a value that is not in the list"))
        }
        return .int(count)
    }

    private func call(
        _ method: Text,
        of text: Text,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        switch method {
        case "strip", "lstrip", "rstrip":
            return try strip(
                text,
                left: method != "rstrip",
                right: method != "lstrip",
                try reader.textOrNone("chars")
            )
        case "split", "rsplit": return try split(text, &reader, fromEnd: method == "rsplit")
        case "splitlines": return try make(text.lines(keepingEnds: try reader.flag("keepends")))
        case "startswith", "endswith":
            return .bool(
                try hasEnd(text, try reader.require("prefix"), first: method == "startswith")
            )
        case "replace":
            let old = try reader.requireText("old")
            let new = try reader.requireText("new")
            return try replaced(text, old, new, limit: try reader.integer("count"))
        case "join":
            let parts = try items(of: try reader.require("values"), to: "join")
            if let other = parts.first(where: { $0.text == nil }) {
                throw failure(.wrongType(operation: "join", found: other.kind))
            }
            return try joined(parts, by: text)
        case "find", "rfind", "index", "count": return try search(text, method, &reader)
        case "partition", "rpartition": return try partition(text, method, &reader)
        case "removeprefix":
            let end = try reader.requireText("prefix")
            return try make(
                text.hasPrefix(end) ? Text(bytes: text.bytes.dropFirst(end.bytes.count)) : text
            )
        case "removesuffix":
            let end = try reader.requireText("suffix")
            return try make(
                text.hasSuffix(end) ? Text(bytes: text.bytes.dropLast(end.bytes.count)) : text
            )
        case "zfill", "ljust", "rjust", "center": return try padded(text, method, &reader)
        default: return try convert(text, method)
        }
    }

    private func convert(_ text: Text, _ method: Text) throws(TemplateError) -> Value {
        switch method.string {
        case "upper": try make(text.uppercased)
        case "lower", "casefold": try make(text.lowercased)
        case "title": try make(text.titlecased)
        case "capitalize": try make(text.capitalized)
        case "isdigit", "isdecimal", "isnumeric":
            .bool(text.consists { $0.properties.numericType != nil })
        case "isalpha": .bool(text.consists { $0.properties.isAlphabetic })
        case "isalnum":
            .bool(text.consists { $0.properties.isAlphabetic || $0.properties.numericType != nil })
        case "isspace": .bool(text.consists(of: Text.isSpace))
        case "isupper": .bool(text.hasCase(\.isUppercase))
        case "islower": .bool(text.hasCase(\.isLowercase))
        default: throw failure(.undefined("'\(method.string)'"))
        }
    }

    func strip(
        _ text: Text,
        left: Bool = true,
        right: Bool = true,
        _ characters: Text? = nil
    ) throws(TemplateError) -> Value {
        guard let characters else { return try make(text.stripped(left: left, right: right)) }
        try charge(memory: characters.bytes.count)
        let dropped = Set(characters.scalars)
        return try make(text.stripped(left: left, right: right) { dropped.contains($0) })
    }

    private func make(_ texts: [Text]) throws(TemplateError) -> Value {
        let byteCount = texts.reduce(0) { $0 + $1.bytes.count }
        try charge(memory: byteCount)
        return try make(texts.map { .string($0) })
    }

    private func split(
        _ text: Text,
        _ reader: inout ArgumentReader,
        fromEnd: Bool
    ) throws(TemplateError) -> Value {
        // Each piece takes its own memory: counted before it is taken.
        try charge(memory: text.bytes.count.timesClamped(MemoryLayout<Value>.stride / 2))
        let separator = try reader.textOrNone("sep")
        let limit = try reader.integer("maxsplit") ?? -1
        guard let separator else {
            return try make(fromEnd ? text.lastWords(limit: limit) : text.words(limit: limit))
        }
        guard !separator.isEmpty else { throw failure(.notInRange("the empty separator")) }
        let parts =
            fromEnd
            ? text.lastParts(between: separator, limit: limit)
            : text.parts(between: separator, limit: limit)
        return try make(parts)
    }

    private func hasEnd(_ text: Text, _ wanted: Value, first: Bool) throws(TemplateError) -> Bool {
        switch wanted {
        case .string(let end): return first ? text.hasPrefix(end) : text.hasSuffix(end)
        case .list(let list) where list.isTuple:
            for item in list.items where try hasEnd(text, item, first: first) { return true }
            return false
        default:
            throw failure(
                .wrongType(operation: "compare the end of a text with", found: wanted.kind)
            )
        }
    }

    func replaced(
        _ text: Text,
        _ old: Text,
        _ new: Text,
        limit: Int?
    ) throws(TemplateError) -> Value {
        let limit = limit.flatMap { $0 < 0 ? nil : $0 }
        let places = min(
            limit ?? .max,
            old.isEmpty ? text.count + 1 : text.bytes.count / old.bytes.count
        )
        // More than what is made where few places are found; but a bound before it is made.
        let growth = max(0, new.bytes.count - old.bytes.count).timesClamped(places)
        guard growth > text.bytes.count else {
            return try make(text.replacing(old, with: new, limit: limit))
        }
        let found = text.parts(between: old.isEmpty ? "\u{0}" : old, limit: limit ?? -1).count
        try charge(memory: old.isEmpty ? growth : new.bytes.count.timesClamped(found))
        return try make(text.replacing(old, with: new, limit: limit))
    }

    private func search(
        _ text: Text,
        _ method: Text,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        let wanted = try reader.requireText("sub")
        if method == "count" {
            let places = wanted.isEmpty ? text.count + 2 : text.parts(between: wanted).count
            return .int(places - 1)
        }
        var found = text.firstRange(of: wanted)
        if method == "rfind" {
            let backwards = Text(bytes: text.bytes.reversed())
            let range = backwards.firstRange(of: Text(bytes: wanted.bytes.reversed()))
            found = range.map {
                (text.bytes.count - $0.upperBound)..<(text.bytes.count - $0.lowerBound)
            }
        }
        guard let found else {
            guard method != "index" else { throw failure(.notInRange("a text that is not found")) }
            return .int(-1)
        }
        return .int(Text(bytes: text.bytes[..<found.lowerBound]).count)
    }

    private func partition(
        _ text: Text,
        _ method: Text,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        let separator = try reader.requireText("sep")
        guard !separator.isEmpty else { throw failure(.notInRange("the empty separator")) }
        let isFirst = method == "partition"
        let parts =
            isFirst
            ? text.parts(between: separator, limit: 1)
            : text.lastParts(between: separator, limit: 1)
        try charge(memory: text.bytes.count)
        guard parts.count == 2 else {
            let pieces: [Text] = isFirst ? [text, "", ""] : ["", "", text]
            return .tuple(pieces.map { .string($0) })
        }
        return .tuple([.string(parts[0]), .string(separator), .string(parts[1])])
    }

    private func padded(
        _ text: Text,
        _ method: Text,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        let width = try reader.integer("width") ?? 0
        let fill = method == "zfill" ? "0" : try reader.text("fillchar") ?? " "
        guard fill.count == 1 else { throw reader.failure("'fillchar' must be one character") }
        let missing = max(0, width - text.count)
        try charge(memory: missing.timesClamped(fill.bytes.count))
        func pad(_ count: Int) -> [UInt8] { fill.repeated(count).bytes }
        switch method {
        case "ljust": return try make(Text(bytes: text.bytes + pad(missing)))
        case "rjust": return try make(Text(bytes: pad(missing) + text.bytes))
        case "center":
            // Python puts the odd one to the left where the width is odd.
            let left = missing / 2 + (missing & width & 1)
            return try make(Text(bytes: pad(left) + text.bytes + pad(missing - left)))
        default:
            let sign = text.bytes.prefix(1).filter { "+-".utf8.contains($0) }
            return try make(Text(bytes: sign + pad(missing) + text.bytes.dropFirst(sign.count)))
        }
    }

    /// `'{} {0} {name}'.format(…)`, without what stands behind a colon in Python.
    private func filled(_ text: Text, _ arguments: ArgumentValues) throws(TemplateError) -> Text {
        let reader = ArgumentReader("format", arguments, line: line)
        var result: [UInt8] = []
        var next = 0
        var rest = text.bytes[...]
        let open = UInt8(ascii: "{")
        let close = UInt8(ascii: "}")
        while let byte = rest.popFirst() {
            guard byte == open || byte == close else {
                result.append(byte)
                continue
            }
            if rest.first == byte {
                rest.removeFirst()
                result.append(byte)
                continue
            }
            guard byte == open, let end = rest.firstIndex(of: close) else {
                throw reader.failure("a brace has no partner; write it twice to print it")
            }
            let field = Text(bytes: rest[..<end])
            rest = rest[(end + 1)...]
            var value: Value?
            if field.isEmpty || Int(field.string) != nil {
                let place = field.isEmpty ? next : Int(field.string) ?? 0
                next += field.isEmpty ? 1 : 0
                let values = arguments.positional
                value = values.indices.contains(place) ? values[place] : nil
            } else {
                value = arguments.named[field]
            }
            guard let value else { throw reader.failure("there is no '{\(field.string)}'") }
            let piece = try shown(value)
            try charge(memory: piece.bytes.count)
            result += piece.bytes
        }
        return Text(bytes: result)
    }
}
