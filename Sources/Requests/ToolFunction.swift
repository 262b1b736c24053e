import Generation
import JSON

/// A function that the model may call.
struct ToolFunction: Equatable {
    let name: String
    /// Whether its arguments are held to its schema.
    let isStrict: Bool
    /// What arguments must be.
    let arguments: AnswerSchema

    /// Objects around the arguments, in the JSON of a call.
    private static let depth = 2

    /// - Parameter place: where the tool stands in the request, for errors.
    init(_ tool: JSONValue, _ place: String) throws(BodyError) {
        guard var fields = RequestFields(tool, name: place) else {
            throw .wrongType(place, expected: "an object", found: tool.kind)
        }
        guard try fields.text("type") == "function" else {
            throw .unsupported("\(place).type", "tools are functions")
        }
        guard var function = try fields.object("function") else {
            throw .missingField("\(place).function")
        }
        guard let name = try function.text("name") else {
            throw .missingField("\(place).function.name")
        }
        self.name = name
        _ = try function.text("description")
        _ = try function.object("parameters")
        isStrict = try function.bool("strict") ?? false
        if isStrict {
            // Without parameters there are none, as OpenAI has it.
            let parameters = function.value("parameters")
            let none = AnswerSchema.object([])
            arguments =
                try parameters.map { value throws(BodyError) in
                    try SchemaReader.object(value, of: function.name("parameters"), in: Self.depth)
                } ?? none
        } else {
            arguments = .anyObject
        }
        try function.finish()
        try fields.finish()
    }
}

extension AnswerSchema {
    /// A call of one of the functions: its name, and then its arguments.
    ///
    /// Of functions with the same name the first counts.
    static func call(of functions: [ToolFunction]) -> AnswerSchema {
        var names: Set<String> = []
        let kinds = functions.filter { names.insert($0.name).inserted }.map { function in
            Tagged.Kind(
                tag: JSONValue.string(function.name).encoded,
                [Property(key: JSONValue.string("arguments").encoded, function.arguments)]
            )
        }
        return .tagged(Tagged(key: JSONValue.string("name").encoded, kinds))
    }
}
