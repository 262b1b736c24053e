/// Numbers as people read them.
enum Format {
    /// `digits` digits behind the point.
    static func fixed(_ value: Double, digits: Int = 1) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        guard let whole = Int(exactly: (abs(value) * scale).rounded()) else { return "\(value)" }
        let sign = value < 0 && whole > 0 ? "-" : ""
        guard digits > 0 else { return sign + "\(whole)" }
        let text = String(repeating: "0", count: max(0, digits + 1 - "\(whole)".count)) + "\(whole)"
        return sign + text.dropLast(digits) + "." + text.suffix(digits)
    }

    /// `45.1 MB`; a thousand bytes are a kilobyte.
    static func bytes(_ count: some BinaryInteger) -> String {
        let units = ["bytes", "kB", "MB", "GB", "TB", "PB"]
        var value = Double(count)
        var unit = 0
        while value >= 1000, unit + 1 < units.count {
            value /= 1000
            unit += 1
        }
        return unit == 0 ? "\(count) bytes" : "\(fixed(value)) \(units[unit])"
    }

    static func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }

    static func count(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }
}

/// Rows of text with aligned columns.
struct Table {
    enum Alignment { case left, right }

    private let alignments: [Alignment]
    private var rows: [[String]] = []

    init(_ columns: [(title: String, alignment: Alignment)]) {
        alignments = columns.map(\.alignment)
        if columns.contains(where: { !$0.title.isEmpty }) { rows = [columns.map(\.title)] }
    }

    mutating func add(_ cells: [String]) {
        precondition(cells.count == alignments.count, "\(cells.count) cells in a row")
        rows.append(cells)
    }

    var text: String {
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
