import Terminal

extension ModelSummary {
    /// The summary for people.
    var text: String {
        var facts = Table([("", .left), ("", .left)])
        for (name, value) in rows { facts.add([name, value]) }
        var tensors = Table([("type", .left), ("tensors", .right), ("size", .right)])
        for type in types {
            tensors.add([type.type, "\(type.tensors)", Format.bytes(type.byteCount)])
        }
        return facts.text + "\n" + tensors.text
    }

    private var rows: [(name: String, value: String)] {
        let parts = partCount > 1 ? " in \(partCount) parts" : ""
        return [
            ("file", path),
            ("format", "GGUF \(formatVersion), \(Format.bytes(byteCount))\(parts)"),
            ("name", name),
            ("architecture", architecture),
            ("context", Format.count(sizes.contextLength, "token")),
            ("hidden size", "\(sizes.hiddenSize)"),
            ("layers", "\(layers), \(layersWithExperts) with experts"),
            ("attention", attention),
            ("experts", expertsText),
            ("tokenizer", tokenizerText),
        ]
    }

    private var attention: String {
        let widths =
            sizes.keyLength == sizes.valueLength
            ? "\(sizes.keyLength)" : "\(sizes.keyLength) and \(sizes.valueLength)"
        return "\(Format.count(sizes.heads, "head")) of width \(widths), "
            + "\(sizes.keyValueHeads) for keys and values"
    }

    private var expertsText: String {
        guard layersWithExperts > 0 else { return "none" }
        let width = experts.sharedWidth
        let shared = width > 0 ? ", shared expert of width \(width)" : ""
        return "\(experts.count) per layer, \(experts.perToken) per token, width \(experts.width)"
            + "\(shared); \(Format.bytes(experts.byteCountEach)) each, "
            + "\(Format.bytes(experts.byteCount)) in all"
    }

    private var tokenizerText: String {
        let pre = tokenizer.pre.map { " (\($0))" } ?? ""
        return "\(tokenizer.model)\(pre), \(Format.count(tokenizer.tokens, "token"))"
    }
}
