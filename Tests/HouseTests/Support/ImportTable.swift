/// The house as docs/ARCHITECTURE.md draws it: each target, its one line, what it may import.
///
/// The drawing is the rule. Whoever moves a wall changes the table and the code together.
struct ImportTable {
    struct Row {
        let target: String
        let purpose: String
        let mayImport: Set<String>
    }

    let rows: [Row]

    /// From the Markdown table whose header starts with `| Target |`.
    ///
    /// Several targets may share a row. Every name stands in backticks.
    init(markdown: String) {
        let lines = markdown.split(separator: "\n", omittingEmptySubsequences: false)
        let table = lines.drop { !$0.hasPrefix("| Target |") }.prefix { $0.hasPrefix("|") }
        rows = table.dropFirst(2).flatMap { line -> [Row] in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false)
            guard cells.count == 5 else { return [] }
            let purpose = String(cells[2].drop { $0 == " " })
            let imports = Set(Self.quoted(in: cells[3]))
            return Self.quoted(in: cells[1]).map { target in
                Row(target: target, purpose: purpose, mayImport: imports)
            }
        }
    }

    static func drawn() throws -> ImportTable {
        ImportTable(markdown: try Repository.text("docs/ARCHITECTURE.md"))
    }

    subscript(target: String) -> Row? { rows.first { $0.target == target } }

    private static func quoted(in cell: Substring) -> [String] {
        let parts = cell.split(separator: "`", omittingEmptySubsequences: false)
        return parts.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }
}
