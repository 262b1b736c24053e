/// What a template is given: JSON's values, with keys in order.
public enum TemplateValue: Equatable, Sendable {
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case string(String)
    case list([TemplateValue])
    case dictionary(TemplateDictionary)
}

/// Values by name, in the order in which the names came; templates show them in it.
public struct TemplateDictionary: Equatable, Sendable {
    private var map = OrderedMap<Text, TemplateValue>()

    public init() {}

    public var count: Int { map.count }

    /// In order.
    public var entries: [(key: String, value: TemplateValue)] {
        zip(map.keys, map.values).map { ($0.string, $1) }
    }

    /// The value of a name; setting nil changes nothing.
    public subscript(key: String) -> TemplateValue? {
        get { map[Text(key)] }
        set { map[Text(key)] = newValue }
    }

    public static func == (a: TemplateDictionary, b: TemplateDictionary) -> Bool {
        a.map.keys == b.map.keys && a.map.values == b.map.values
    }
}

extension TemplateValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
    ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .int(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: TemplateValue...) { self = .list(elements) }
    public init(nilLiteral: ()) { self = .none }

    public init(dictionaryLiteral elements: (String, TemplateValue)...) {
        var dictionary = TemplateDictionary()
        for (key, value) in elements { dictionary[key] = value }
        self = .dictionary(dictionary)
    }
}

extension TemplateDictionary: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, TemplateValue)...) {
        for (key, value) in elements { self[key] = value }
    }
}

extension TemplateValue {
    /// The value of a name, where this is a dictionary that has it.
    public subscript(key: String) -> TemplateValue? {
        guard case .dictionary(let dictionary) = self else { return nil }
        return dictionary[key]
    }

    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    public var list: [TemplateValue]? {
        if case .list(let items) = self { items } else { nil }
    }
}
