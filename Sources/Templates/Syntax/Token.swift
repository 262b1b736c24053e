/// A word of a template.
struct Token: Equatable, Sendable {
    enum Kind: Equatable, Sendable {
        /// What stands outside of tags.
        case data(Text)
        case variableBegin
        case variableEnd
        case blockBegin
        case blockEnd
        case name(String)
        case string(Text)
        case int(Int)
        case float(Double)
        case sign(String)
        case end
    }

    let kind: Kind
    let line: Int

    /// As messages say it.
    var description: String {
        switch kind {
        case .data: "text"
        case .variableBegin: "'{{'"
        case .variableEnd: "'}}'"
        case .blockBegin: "'{%'"
        case .blockEnd: "'%}'"
        case .name(let name): "'\(name)'"
        case .string: "a text in quotes"
        case .int(let value): "\(value)"
        case .float(let value): "\(value)"
        case .sign(let sign): "'\(sign)'"
        case .end: "the end of the template"
        }
    }
}
