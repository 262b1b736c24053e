/// Filters that go through lists, and through what else can be gone through.
extension Interpreter {
    static let listFilters: Set<String> = [
        "first", "last", "list", "join", "sort", "unique", "min", "max", "sum", "batch", "slice",
        "groupby",
    ]

    func applyToList(
        _ name: String,
        _ value: Value,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value? {
        let items = try items(of: value, to: "go through")
        try charge(bytes: items.count)
        switch name {
        case "first": return items.first ?? .undefined("the first item of an empty list")
        case "last": return items.last ?? .undefined("the last item of an empty list")
        case "list": return try make(items)
        case "join":
            let separator = try reader.next("d").map { (value) throws(TemplateError) in
                try shown(value)
            }
            let path = try reader.next("attribute")
            return try joined(try parts(path, of: items), by: separator ?? .empty)
        case "sort":
            let isReversed = try reader.flag("reverse")
            let keepsCase = try reader.flag("case_sensitive")
            let path = try reader.next("attribute")
            return try make(
                try sorted(items, keepsCase: keepsCase, isReversed: isReversed) {
                    (item: Value) throws(TemplateError) in try self.part(path, of: item)
                }
            )
        case "unique": return try unique(items, &reader)
        case "min", "max": return try extreme(items, isLargest: name == "max", &reader)
        case "sum":
            let path = try reader.next("attribute")
            var sum = try reader.next("start") ?? .int(0)
            for item in try parts(path, of: items) { sum = try calculate(.add, sum, item) }
            return sum
        case "batch", "slice": return try divided(items, name, &reader)
        default: return try grouped(items, &reader)
        }
    }

    func joined(_ items: [Value], by separator: Text) throws(TemplateError) -> Value {
        var bytes: [UInt8] = []
        for (index, item) in items.enumerated() {
            let piece = try shown(item)
            try charge(memory: piece.bytes.count + separator.bytes.count)
            if index > 0 { bytes += separator.bytes }
            bytes += piece.bytes
        }
        return .string(Text(bytes: bytes))
    }

    // MARK: Attributes by path

    /// `a.b.0` of an item; the item itself where no path is given.
    func part(_ path: Value?, of item: Value) throws(TemplateError) -> Value {
        guard let path else { return item }
        if case .none = path { return item }
        guard let text = path.text else { return try self.item(path, of: item) }
        var value = item
        for name in text.parts(between: ".") {
            try charge()
            let index =
                name.bytes.allSatisfy { (0x30...0x39).contains($0) } ? Int(name.string) : nil
            value = try self.item(index.map { .int($0) } ?? .string(name), of: value)
        }
        return value
    }

    private func parts(_ path: Value?, of items: [Value]) throws(TemplateError) -> [Value] {
        var parts: [Value] = []
        for item in items { parts.append(try part(path, of: item)) }
        return parts
    }

    // MARK: Choosing

    /// What can be gone through; nothing in what counts as false, even a number.
    private func truthy(_ value: Value) throws(TemplateError) -> [Value] {
        value.isTrue ? try items(of: value, to: "go through") : []
    }

    func mapped(
        _ value: Value,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        let items = try truthy(value)
        var results: [Value] = []
        if let filter = try reader.text("filter") {
            let arguments = reader.remaining
            for item in items { results.append(try apply(filter.string, to: item, arguments)) }
            return try make(results)
        }
        let path = try reader.require("attribute")
        let fallback = try reader.next("default")
        try reader.end()
        for item in items {
            let found = try part(path, of: item)
            results.append(found.isUndefined ? fallback ?? found : found)
        }
        return try make(results)
    }

    func selected(
        _ name: String,
        _ value: Value,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        let path = name.hasSuffix("attr") ? try reader.require("attribute") : nil
        let wanted = name.hasPrefix("select")
        let test = try reader.text("test")
        let arguments = reader.remaining
        var results: [Value] = []
        for item in try truthy(value) {
            let part = try part(path, of: item)
            let holds = try test.map { (test) throws(TemplateError) in
                try self.test(test.string, part, arguments)
            }
            if (holds ?? part.isTrue) == wanted { results.append(item) }
            try charge()
        }
        return try make(results)
    }

    // MARK: Order

    /// - Parameter key: what items are ordered by.
    func sorted(
        _ items: [Value],
        keepsCase: Bool,
        isReversed: Bool,
        by key: (Value) throws(TemplateError) -> Value
    ) throws(TemplateError) -> [Value] {
        var keyed: [Value] = []
        for item in isReversed ? items.reversed() : items {
            let key = folded(try key(item), keepsCase: keepsCase)
            keyed.append(.tuple([key, item]))
        }
        try charge(memory: keyed.count * 4 * MemoryLayout<Value>.stride)
        let ordered = try sorted(keyed) { (a: Value, b: Value) throws(TemplateError) in
            guard case .list(let x) = a, case .list(let y) = b else { return false }
            return try self.precedes(x.items[0], y.items[0])
        }
        let values = ordered.compactMap { pair -> Value? in
            if case .list(let list) = pair { list.items[1] } else { nil }
        }
        // Equal ones keep their order also from last to first.
        return isReversed ? values.reversed() : values
    }

    private func folded(_ value: Value, keepsCase: Bool) -> Value {
        guard !keepsCase, let text = value.text else { return value }
        return .string(text.lowercased)
    }

    private func unique(
        _ items: [Value],
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        let keepsCase = try reader.flag("case_sensitive")
        let path = try reader.next("attribute")
        var seen: Set<Key> = []
        var results: [Value] = []
        for item in items {
            let key = try hashed(folded(try part(path, of: item), keepsCase: keepsCase))
            if seen.insert(key).inserted { results.append(item) }
        }
        return try make(results)
    }

    private func extreme(
        _ items: [Value],
        isLargest: Bool,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        let keepsCase = try reader.flag("case_sensitive")
        let path = try reader.next("attribute")
        var best: (item: Value, key: Value)?
        for item in items {
            let key = folded(try part(path, of: item), keepsCase: keepsCase)
            guard let old = best else {
                best = (item, key)
                continue
            }
            let isBetter = isLargest ? try precedes(old.key, key) : try precedes(key, old.key)
            if isBetter { best = (item, key) }
        }
        return best?.item ?? .undefined("the smallest or largest item of an empty list")
    }

    /// `batch` makes rows of so many, `slice` so many rows.
    private func divided(
        _ items: [Value],
        _ name: String,
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        let isBatch = name == "batch"
        guard let count = try reader.integer(isBatch ? "linecount" : "slices"),
            (1...limits.rangeCount).contains(count)
        else { throw reader.failure("it needs a number from 1 to \(limits.rangeCount)") }
        let fill = try reader.next("fill_with")
        let rowCount = isBatch ? (items.count + count - 1) / count : count
        let short = isBatch ? 0 : items.count / count
        var rows: [Value] = []
        var rest = items[...]
        for row in 0..<rowCount {
            let wanted = isBatch ? count : short + (row < items.count % count ? 1 : 0)
            var taken = Array(rest.prefix(wanted))
            rest = rest.dropFirst(wanted)
            if let fill, !isNone(fill) {
                let missing = isBatch ? count - taken.count : row >= items.count % count ? 1 : 0
                taken += Array(repeating: fill, count: missing)
            }
            rows.append(try make(taken))
        }
        return try make(rows)
    }

    private func isNone(_ value: Value) -> Bool {
        if case .none = value { true } else { false }
    }

    private func grouped(
        _ items: [Value],
        _ reader: inout ArgumentReader
    ) throws(TemplateError) -> Value {
        let path = try reader.require("attribute")
        let fallback = try reader.next("default")
        let keepsCase = try reader.flag("case_sensitive")
        func key(_ item: Value) throws(TemplateError) -> Value {
            let found = try part(path, of: item)
            return found.isUndefined ? fallback ?? found : found
        }
        let ordered = try sorted(items, keepsCase: keepsCase, isReversed: false, by: key)
        var groups: [(key: Value, items: [Value])] = []
        for item in ordered {
            let key = try key(item)
            let isSame = try groups.last.map { (last) throws(TemplateError) in
                try areEqual(
                    folded(last.key, keepsCase: keepsCase),
                    folded(key, keepsCase: keepsCase)
                )
            }
            if isSame == true {
                groups[groups.count - 1].items.append(item)
            } else {
                groups.append((key, [item]))
            }
        }
        var results: [Value] = []
        for group in groups { results.append(.tuple([group.key, try make(group.items)])) }
        return try make(results)
    }
}
