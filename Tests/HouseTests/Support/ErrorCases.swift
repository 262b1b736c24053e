/// The ways in which things can go wrong, as the sources list them: the cases of error enums, and
/// of the codes by which one side tells the other that it will not.
struct ErrorCases {
    /// As in `PlanError.noWorkers`; a case of a type within a type goes by the outer one's name.
    private(set) var names: [String] = []

    private static let codes: Set<Substring> = [
        "RefusalCode", "LoadFailureCode", "ShareRefusalCode",
    ]

    private struct Scope {
        let name: String
        let isError: Bool
        let depth: Int
    }

    private var scopes: [Scope] = []
    private var pending: (name: String, isError: Bool)?
    private var depth = 0

    init(in file: SourceFile) {
        for line in file.code { read(line) }
    }

    static func ours() throws -> [String] {
        try Repository.sources().filter { $0.isShipped && $0.target != "ClusterTesting" }
            .flatMap { ErrorCases(in: $0).names }
    }

    private mutating func read(_ line: String) {
        let parts = words(of: line)
        if let scope = scopes.last, scope.isError, scope.depth == depth, parts.first == "case" {
            names += Self.cases(line).map { "\(scopes[0].name).\($0)" }
        }
        let keywords: Set<Substring> = [
            "enum", "struct", "class", "actor", "extension", "protocol",
        ]
        if let keyword = parts.firstIndex(where: keywords.contains), parts.count > keyword + 1 {
            let name = parts[keyword + 1]
            let isError = parts.dropFirst(keyword + 2).contains("Error")
            let isEnum = parts[keyword] == "enum"
            pending = (String(name), isEnum && (isError || Self.codes.contains(name)))
        }
        for character in line {
            if character == "{" { open() }
            if character == "}" { close() }
        }
    }

    private mutating func open() {
        depth += 1
        guard let pending else { return }
        scopes.append(Scope(name: pending.name, isError: pending.isError, depth: depth))
        self.pending = nil
    }

    private mutating func close() {
        if scopes.last?.depth == depth { scopes.removeLast() }
        depth -= 1
    }

    /// The names after `case`, without what they carry.
    private static func cases(_ line: String) -> [Substring] {
        var depth = 0
        let flat = line.filter { character in
            if character == "(" { depth += 1 }
            defer { if character == ")" { depth -= 1 } }
            return depth == 0
        }
        return flat.split(separator: ",").compactMap { part in
            words(of: String(part)).first { $0 != "case" }.map { Substring($0) }
        }
    }
}
