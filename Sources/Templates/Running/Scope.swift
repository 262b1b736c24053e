/// Names and their values, inside a loop's turn, a macro or the whole template.
final class Scope {
    private var values: [Text: Value] = [:]
    private let parent: Scope?

    init(inside parent: Scope? = nil) { self.parent = parent }

    func set(_ name: Text, _ value: Value) { values[name] = value }

    /// The value in the innermost scope that has one.
    func value(of name: Text) -> Value? {
        var scope: Scope? = self
        while let here = scope {
            if let value = here.values[name] { return value }
            scope = here.parent
        }
        return nil
    }
}
