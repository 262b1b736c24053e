/// What expressions of a template evaluate to.
enum Value: Sendable {
    /// What it was to be, for messages.
    case undefined(Text)
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case string(Text)
    case list(List)
    case dictionary(Map)
    /// The only thing that changes; the interpreter holds it, so that there are no circles.
    case namespace(Int)
    case loop(LoopState)
    indirect case callable(Callable)
}

/// What may be called.
enum Callable: Sendable {
    case function(Function)
    /// One that the interpreter holds.
    case macro(Int)
    case method(of: Value, name: Text)
}

/// A list or a tuple, which differ in how they are shown.
struct List: Sendable {
    let items: [Value]
    let isTuple: Bool
    /// How deep values are nested in it.
    let depth: Int

    init(_ items: [Value], isTuple: Bool = false) {
        self.items = items
        self.isTuple = isTuple
        depth = 1 + (items.lazy.map(\.depth).max() ?? 0)
    }
}

/// A dictionary in the order of insertion.
struct Map: Sendable {
    struct Entry: Sendable {
        let key: Value
        let value: Value
    }

    private(set) var entries = OrderedMap<Key, Entry>()
    private(set) var depth = 1

    var count: Int { entries.count }
    var keys: [Value] { entries.values.map(\.key) }

    subscript(key: Key) -> Value? { entries[key]?.value }

    mutating func set(_ value: Value, for key: Value, as hashed: Key) {
        // A key keeps the form in which it came first, as in Python.
        entries[hashed] = Entry(key: entries[hashed]?.key ?? key, value: value)
        depth = max(depth, 1 + max(key.depth, value.depth))
    }
}

/// A key as it is compared: true is 1 is 1.0.
enum Key: Hashable, Sendable {
    case none
    case int(Int)
    case float(Double)
    case string(Text)
    indirect case tuple([Key])
}

/// Where a loop is.
struct LoopState: Sendable {
    let items: [Value]
    let index: Int
}

extension Value {
    init(_ string: String) { self = .string(Text(string)) }

    static func list(_ items: [Value]) -> Value { .list(List(items)) }
    static func tuple(_ items: [Value]) -> Value { .list(List(items, isTuple: true)) }

    /// How deep values are nested in it.
    var depth: Int {
        switch self {
        case .list(let list): list.depth
        case .dictionary(let map): map.depth
        case .loop(let loop): 2 + (loop.items.lazy.map(\.depth).max() ?? 0)
        case .callable(.method(let value, _)): 1 + value.depth
        default: 0
        }
    }

    /// What counts as true.
    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let value): value
        case .int(let value): value != 0
        case .float(let value): value != 0
        case .string(let text): !text.isEmpty
        case .list(let list): !list.items.isEmpty
        case .dictionary(let map): map.count > 0
        case .namespace, .loop, .callable: true
        }
    }

    var isUndefined: Bool {
        if case .undefined = self { true } else { false }
    }

    /// As a whole number; true is 1.
    var integer: Int? {
        switch self {
        case .int(let value): value
        case .bool(let value): value ? 1 : 0
        default: nil
        }
    }

    /// As a number of any kind.
    var number: Double? {
        if case .float(let value) = self { value } else { integer.map(Double.init) }
    }

    var text: Text? {
        if case .string(let text) = self { text } else { nil }
    }

    /// What it is, as messages say it.
    var kind: String {
        switch self {
        case .undefined(let name): "\(name.string), which is undefined"
        case .none: "none"
        case .bool: "a boolean"
        case .int: "an integer"
        case .float: "a number"
        case .string: "a string"
        case .list(let list): list.isTuple ? "a tuple" : "a list"
        case .dictionary: "a dictionary"
        case .namespace: "a namespace"
        case .loop: "the loop"
        case .callable: "a function"
        }
    }
}

extension Key {
    /// - Returns: nil for what cannot be a key.
    init?(_ value: Value) {
        switch value {
        case .none: self = .none
        case .bool(let value): self = .int(value ? 1 : 0)
        case .int(let value): self = .int(value)
        case .float(let value): self = Int(exactly: value).map(Key.int) ?? .float(value)
        case .string(let text): self = .string(text)
        case .list(let list) where list.isTuple:
            var keys: [Key] = []
            for item in list.items {
                guard let key = Key(item) else { return nil }
                keys.append(key)
            }
            self = .tuple(keys)
        default: return nil
        }
    }
}
