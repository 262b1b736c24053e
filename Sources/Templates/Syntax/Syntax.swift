/// An expression of a template, and how deep it nests.
struct Expression: Sendable {
    let line: Int
    let depth: Int
    let kind: ExpressionKind
}

indirect enum ExpressionKind: Sendable {
    case literal(Value)
    case name(Text)
    case list([Expression], isTuple: Bool)
    case dictionary([Pair])
    case attribute(Expression, Text)
    case item(Expression, Expression)
    case slice(Expression, SliceBounds)
    case call(Expression, Arguments)
    case filter(Expression, FilterCall)
    case test(Expression, FilterCall)
    case not(Expression)
    case negative(Expression)
    case positive(Expression)
    case arithmetic(Arithmetic, Expression, Expression)
    case comparison(Expression, [Comparison])
    case both(Expression, Expression)
    case either(Expression, Expression)
    case joined([Expression])
    case conditional(Expression, test: Expression, otherwise: Expression?)
}

struct Pair: Sendable {
    let key: Expression
    let value: Expression
}

struct SliceBounds: Sendable {
    var start: Expression?
    var end: Expression?
    var step: Expression?
}

/// What stands in the parentheses of a call.
struct Arguments: Sendable {
    struct Named: Sendable {
        let name: Text
        let value: Expression
    }

    var positional: [Expression] = []
    var named: [Named] = []
    /// Behind `*`.
    var list: Expression?
    /// Behind `**`.
    var dictionary: Expression?

    static let none = Arguments()
}

/// A filter or a test, by name.
struct FilterCall: Sendable {
    let name: String
    let arguments: Arguments
    let line: Int
}

enum Arithmetic: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case divideWhole = "//"
    case modulo = "%"
    case power = "**"
}

struct Comparison: Sendable {
    enum Operator: String, Sendable {
        case equal = "=="
        case unequal = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case contained = "in"
        case notContained = "not in"
    }

    let comparator: Operator
    let right: Expression
}

/// A piece of text, an expression to print, or a tag.
struct Statement: Sendable {
    let line: Int
    let kind: StatementKind
}

indirect enum StatementKind: Sendable {
    case text(Text)
    case show(Expression)
    case set(Target, Expression)
    case setBlock(Target, [FilterCall], [Statement])
    case condition([Branch], otherwise: [Statement])
    case loop(ForLoop)
    case macro(MacroDefinition)
    /// Calls a macro that may call this tag's content back as `caller()`.
    case callBlock(Expression, MacroDefinition)
    case filterBlock([FilterCall], [Statement])
    /// Names of their own; also what only encloses, such as `generation`.
    case with([Assignment], [Statement])
    case breakLoop
    case continueLoop
}

struct Branch: Sendable {
    let test: Expression
    let body: [Statement]
}

struct Assignment: Sendable {
    let target: Target
    let value: Expression
}

/// What takes a value.
indirect enum Target: Sendable {
    case name(Text)
    case attribute(of: Text, Text)
    case tuple([Target])
}

struct ForLoop: Sendable {
    let target: Target
    let items: Expression
    let test: Expression?
    let body: [Statement]
    let otherwise: [Statement]
}

struct MacroDefinition: Sendable {
    struct Parameter: Sendable {
        let name: Text
        let fallback: Expression?
    }

    let name: Text
    let parameters: [Parameter]
    let body: [Statement]
    /// Whether it uses `varargs`, and so takes more values than it names.
    let takesMoreValues: Bool
    /// Whether it uses `kwargs`, and so takes other names than its own.
    let takesOtherNames: Bool
}
