/// Who may import whom.
enum ImportRules {
    /// Part of the language as far as we are concerned.
    static let everywhere: Set<String> = ["Swift", "Synchronization", "_Concurrency"]

    static func modules(importedBy file: SourceFile) -> [(module: String, line: Int)] {
        file.code.enumerated().flatMap { line, code in
            code.split(separator: ";").compactMap(module).map { ($0, line) }
        }
    }

    /// The module that one statement imports; nil where it is no import.
    private static func module(importedBy statement: Substring) -> String? {
        let parts = statement.split(separator: " ")
        guard let keyword = parts.firstIndex(of: "import") else { return nil }
        let isModifier = { (part: Substring) in
            part.hasPrefix("@") || accessLevels.contains(String(part))
        }
        guard parts[..<keyword].allSatisfy(isModifier) else { return nil }
        // `import struct Module.Name` names its module before the dot.
        let names = parts[(keyword + 1)...].drop { kinds.contains(String($0)) }
        return names.first?.split(separator: ".").first.map(String.init)
    }

    static func violations(in file: SourceFile, table: ImportTable) -> [String] {
        guard let row = table[file.target] else {
            return ["\(file.path): docs/ARCHITECTURE.md does not draw \(file.target)"]
        }
        return modules(importedBy: file)
            .filter { !row.mayImport.contains($0.module) && !everywhere.contains($0.module) }
            .map { "\(file.place($0.line)): \(file.target) may not import \($0.module)" }
    }

    private static let accessLevels: Set<String> = [
        "public", "package", "internal", "fileprivate", "private",
    ]

    private static let kinds: Set<String> = [
        "struct", "class", "enum", "protocol", "func", "let", "var", "typealias",
    ]
}
