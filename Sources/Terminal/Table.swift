/// Rows of text with aligned columns.
public struct Table {
    public enum Alignment { case left, right }

    private let alignments: [Alignment]
    private var rows: [[String]] = []

    public init(_ columns: [(title: String, alignment: Alignment)]) {
        alignments = columns.map(\.alignment)
        if columns.contains(where: { !$0.title.isEmpty }) { rows = [columns.map(\.title)] }
    }

    public mutating func add(_ cells: [String]) {
        precondition(cells.count == alignments.count, "\(cells.count) cells in a row")
        rows.append(cells)
    }

    public var text: String {
        let widths = alignments.indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                return alignments[column] == .left ? row[column] + padding : padding + row[column]
            }
            return Self.withoutTrailingSpaces(cells.joined(separator: "  ")) + "\n"
        }.joined()
    }

    private static func withoutTrailingSpaces(_ line: String) -> Substring {
        guard let last = line.lastIndex(where: { $0 != " " }) else { return "" }
        return line[...last]
    }
}
