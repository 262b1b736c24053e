package import JSON

/// What `/tokenize` is asked for; names of fields are llama-server's.
package struct TokenizeRequest: Sendable {
    package let content: String
    package let addSpecial: Bool
    /// Whether control tokens that the text spells are meant.
    package let parseSpecial: Bool

    package init(_ body: JSONValue) throws(BodyError) {
        var fields = try RequestFields(body)
        guard let content = try fields.text("content") else { throw .missingField("content") }
        self.content = content
        addSpecial = try fields.bool("add_special") ?? false
        parseSpecial = try fields.bool("parse_special") ?? true
        try fields.finish()
    }
}

/// What `/detokenize` is asked for.
package struct DetokenizeRequest: Sendable {
    package let tokens: [Int32]

    /// - Parameter vocabularyCount: the number of tokens that there are.
    package init(_ body: JSONValue, vocabularyCount: Int) throws(BodyError) {
        var fields = try RequestFields(body)
        guard let value = fields.value("tokens") else { throw .missingField("tokens") }
        try fields.finish()
        let expected = "an array of token ids"
        guard let elements = value.elements else { throw fields.wrong("tokens", value, expected) }
        var tokens: [Int32] = []
        for element in elements {
            guard let whole = element.whole else { throw fields.wrong("tokens", element, expected) }
            guard (0..<vocabularyCount).contains(whole), let token = Int32(exactly: whole) else {
                let allowed = "ids from 0 to \(vocabularyCount - 1)"
                throw fields.outOfRange("tokens", "\(whole)", allowed)
            }
            tokens.append(token)
        }
        self.tokens = tokens
    }
}
