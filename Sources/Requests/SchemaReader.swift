import Generation
import JSON

/// Reads JSON schemas, as far as answers can be held to them.
///
/// What a schema says beyond that is refused by name; what it only remarks is let be. References
/// are followed within the schema, and must not come back to themselves.
struct SchemaReader {
    /// Parts of a schema, those behind references counted as often as they are met.
    private static let partLimit = 4096
    /// Parts inside one another.
    private static let depthLimit = 64
    /// Of an array's items, so that numbers may be large.
    private static let countLimit = Int(Int32.max)
    private static let remarks: Set<String> = [
        "$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default",
        "examples", "deprecated", "readOnly", "writeOnly",
    ]

    private let whole: JSONValue
    /// What the schema is in the request, for errors.
    private let field: String
    private var partCount = 0
    private var depth: Int
    /// References that are being followed.
    private var following: [String] = []

    private init(_ whole: JSONValue, of field: String, in depth: Int) {
        self.whole = whole
        self.field = field
        self.depth = depth
    }

    /// - Parameters:
    ///   - field: of the request, which is to blame.
    ///   - depth: arrays and objects that values of the schema lie in.
    /// - Throws: `BodyError.unsupported`, with the place in the schema.
    static func object(
        _ value: JSONValue,
        of field: String,
        in depth: Int = 0
    ) throws(BodyError) -> AnswerSchema {
        var reader = SchemaReader(value, of: field, in: depth)
        let schema = try reader.schema(value, "schema")
        switch schema {
        case .any: return .anyObject
        case .object, .anyObject: return schema
        default: throw reader.refusal("schema", "the whole must be an object")
        }
    }

    private func refusal(_ place: String, _ reason: String) -> BodyError {
        .unsupported(field, "\(place.suffix(128)): \(reason)")
    }

    private mutating func schema(_ value: JSONValue, _ place: String) throws(BodyError)
        -> AnswerSchema
    {
        try count(1, place)
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else {
            throw refusal(place, "parts lie more than \(Self.depthLimit) deep")
        }
        if value == true { return .any }
        guard case .object(let members) = value else {
            throw refusal(place, "there must be an object or true")
        }
        let rules = members.filter { !Self.remarks.contains($0.key) }
        var part = Part(place: place, field: field, members: rules)
        let schema = try schema(&part)
        try part.finish()
        return schema
    }

    private mutating func count(_ more: Int, _ place: String) throws(BodyError) {
        partCount += more
        guard partCount <= Self.partLimit else {
            throw refusal(place, "the schema has more than \(Self.partLimit) parts")
        }
    }

    private mutating func schema(_ part: inout Part) throws(BodyError) -> AnswerSchema {
        if let reference = part.take("$ref") { return try follow(reference, part.place) }
        if let value = part.take("const") { return try literals([value], &part) }
        if let values = part.take("enum") {
            return try literals(values.elements ?? [], &part)
        }
        for key in ["anyOf", "oneOf"] {
            guard let choices = part.take(key) else { continue }
            return try either(choices, "\(part.place).\(key)")
        }
        guard let type = part.take("type") else {
            // What names properties is about objects, and what names items about arrays.
            if part.has("properties") { return try object(&part) }
            return part.has("items") ? try array(&part) : .any
        }
        let names = type.elements ?? [type]
        var kinds: [AnswerSchema] = []
        for name in names { kinds.append(try kind(name, &part)) }
        // Whole numbers are numbers.
        if kinds.contains(.number) { kinds.removeAll { $0 == .whole } }
        return try one(of: kinds, part.place)
    }

    private mutating func kind(_ type: JSONValue, _ part: inout Part) throws(BodyError)
        -> AnswerSchema
    {
        switch type {
        case "object": return try object(&part)
        case "array": return try array(&part)
        case "string": return .text
        case "number": return .number
        case "integer": return .whole
        case "boolean": return .bool
        case "null": return .null
        default: throw refusal(part.place, "'type' is none that JSON has")
        }
    }

    // MARK: Choices

    private mutating func follow(_ reference: JSONValue, _ place: String) throws(BodyError)
        -> AnswerSchema
    {
        let path = reference.text?.split(separator: "/", omittingEmptySubsequences: false) ?? []
        guard let name = reference.text, path.first == "#", path.count <= 8 else {
            throw refusal(place, "'$ref' must point into the schema, as in #/$defs/NAME")
        }
        guard !following.contains(name) else {
            throw refusal(place, "'$ref' leads back to itself")
        }
        var target: JSONValue? = whole
        for key in path.dropFirst() { target = target?[String(key)] }
        guard let target else { throw refusal(place, "'$ref' points to nothing") }
        following.append(name)
        defer { following.removeLast() }
        return try schema(target, place)
    }

    private mutating func either(_ choices: JSONValue, _ place: String) throws(BodyError)
        -> AnswerSchema
    {
        var kinds: [AnswerSchema] = []
        for (index, choice) in (choices.elements ?? []).enumerated() {
            kinds.append(try schema(choice, "\(place)[\(index)]"))
        }
        return try one(of: kinds, place)
    }

    /// One of several kinds, literals brought together.
    private func one(of kinds: [AnswerSchema], _ place: String) throws(BodyError)
        -> AnswerSchema
    {
        var others: [AnswerSchema] = []
        var literals: [[UInt8]] = []
        for kind in kinds {
            guard case .literals(let more) = kind else {
                others.append(kind)
                continue
            }
            literals += more.texts
        }
        if !literals.isEmpty { others.append(.literals(AnswerSchema.Literals(literals))) }
        guard let first = others.first else { throw refusal(place, "nothing is allowed") }
        guard others.count > 1 else { return first }
        guard AnswerSchema.areDistinct(others) else {
            throw refusal(place, "a first character must tell the alternatives apart")
        }
        return .either(others)
    }

    private mutating func literals(_ values: [JSONValue], _ part: inout Part) throws(BodyError)
        -> AnswerSchema
    {
        try count(values.count, part.place)
        let type = part.take("type")
        let types = type.map { $0.elements ?? [$0] }
        var literals: [[UInt8]] = []
        for value in values {
            if let types, !types.contains(where: { Self.fits(value, $0) }) { continue }
            switch value {
            case .array, .object:
                throw refusal(part.place, "values must be texts, numbers, true, false or null")
            default: literals.append(value.encoded)
            }
        }
        guard !literals.isEmpty else { throw refusal(part.place, "no value is allowed") }
        return .literals(AnswerSchema.Literals(literals))
    }

    private static func fits(_ value: JSONValue, _ type: JSONValue) -> Bool {
        switch (type, value) {
        case ("string", .string), ("boolean", .bool), ("null", .null): true
        case ("integer", .integer), ("number", .integer), ("number", .number): true
        default: false
        }
    }
}

// MARK: - Arrays and objects

extension SchemaReader {
    private mutating func array(_ part: inout Part) throws(BodyError) -> AnswerSchema {
        let least = try part.count("minItems") ?? 0
        let most = try part.count("maxItems") ?? Self.countLimit
        guard least <= most, most <= Self.countLimit else {
            throw refusal(part.place, "'minItems' and 'maxItems' leave no count")
        }
        let item = try part.take("items").map { items throws(BodyError) in
            try schema(items, "\(part.place).items")
        }
        return .array(item ?? .any, counts: least...most)
    }

    private mutating func object(_ part: inout Part) throws(BodyError) -> AnswerSchema {
        let properties = part.take("properties")
        guard case .object(let members) = properties ?? [:] else {
            throw refusal(part.place, "'properties' must be an object")
        }
        let others = part.take("additionalProperties")
        guard others == nil || others == true || others == false || others == [:] else {
            throw refusal(part.place, "'additionalProperties' must be true or false")
        }
        var required = Set((part.take("required")?.elements ?? []).compactMap(\.text))
        var result: [AnswerSchema.Property] = []
        for member in members {
            let place = "\(part.place).properties.\(member.key)"
            result.append(
                AnswerSchema.Property(
                    key: JSONValue.string(member.key).encoded,
                    try schema(member.value, place),
                    isRequired: required.remove(member.key) != nil
                )
            )
        }
        guard required.isEmpty || others != false else {
            throw refusal(part.place, "'required' names what is no property")
        }
        guard result.count(where: { !$0.isRequired }) <= AnswerSchema.optionalLimit else {
            let limit = AnswerSchema.optionalLimit
            throw refusal(part.place, "more than \(limit) properties may be left out")
        }
        result += required.sorted().map {
            AnswerSchema.Property(key: JSONValue.string($0).encoded, .any)
        }
        return result.isEmpty && others != false ? .anyObject : .object(result)
    }

    /// One part of a schema, of which everything must be read.
    private struct Part {
        let place: String
        let field: String
        var members: [JSONValue.Member]

        func has(_ key: String) -> Bool { members.contains { $0.key == key } }

        mutating func take(_ key: String) -> JSONValue? {
            guard let index = members.firstIndex(where: { $0.key == key }) else { return nil }
            return members.remove(at: index).value
        }

        mutating func count(_ key: String) throws(BodyError) -> Int? {
            guard let value = take(key) else { return nil }
            guard let count = value.whole, count >= 0 else {
                throw refusal("'\(key)' must be a whole number from 0")
            }
            return count
        }

        func finish() throws(BodyError) {
            guard let key = members.first?.key else { return }
            throw refusal("answers cannot be held to '\(key.prefix(64))'")
        }

        private func refusal(_ reason: String) -> BodyError {
            .unsupported(field, "\(place.suffix(128)): \(reason)")
        }
    }
}
