import Placement

/// Box plots of how uneven each plan left the workers, as an SVG file.
///
/// The box spans the middle half of all steps and layers, the line is their middle, and the
/// whiskers leave out five in a hundred on each side.
public struct BoxPlot {
    private let comparison: PlacementComparison

    private static let width = 640.0
    private static let rowHeight = 44.0
    private static let left = 110.0
    private static let right = 20.0
    private static let top = 48.0

    public init(_ comparison: PlacementComparison) { self.comparison = comparison }

    public var svg: String {
        let height = Self.top + Self.rowHeight * Double(comparison.results.count) + 40
        let most = comparison.results.map { $0.replay.imbalance(at: 0.95) }.max() ?? 1
        let scale = (Self.width - Self.left - Self.right) / max(0.1, most - 1)
        let rows = comparison.results.enumerated().map { index, result in
            row(result, y: Self.top + Self.rowHeight * (Double(index) + 0.5), scale: scale)
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(Int(Self.width))" \
            height="\(Int(height))" font-family="sans-serif" font-size="13">
            <rect width="100%" height="100%" fill="white"/>
            <text x="10" y="22" font-size="14">\(comparison.name): busiest worker over the mean\
            </text>
            \(axis(most: most, scale: scale, y: height - 24))
            \(rows.joined(separator: "\n"))
            </svg>

            """
    }

    private func row(_ result: PlacementResult, y: Double, scale: Double) -> String {
        func place(_ share: Double) -> Double {
            Self.left + (result.replay.imbalance(at: share) - 1) * scale
        }
        let low = place(0.25)
        let high = place(0.75)
        return """
            <text x="10" y="\(y + 5)">\(result.solver.rawValue)</text>
            \(line(place(0.05), y, place(0.95), y))
            \(line(place(0.05), y - 6, place(0.05), y + 6))
            \(line(place(0.95), y - 6, place(0.95), y + 6))
            <rect x="\(low)" y="\(y - 12)" width="\(max(1, high - low))" height="24" \
            fill="#9ecae1" stroke="#333"/>
            \(line(place(0.5), y - 12, place(0.5), y + 12))
            """
    }

    private func axis(most: Double, scale: Double, y: Double) -> String {
        let ticks = (0...4).map { tick in
            let value = 1 + (most - 1) * Double(tick) / 4
            let x = Self.left + (value - 1) * scale
            return """
                \(line(x, y - 12, x, y - 7))
                <text x="\(x - 12)" y="\(y + 8)">\((value * 100).rounded() / 100)</text>
                """
        }
        return line(Self.left, y - 12, Self.width - Self.right, y - 12) + "\n"
            + ticks.joined(separator: "\n")
    }

    private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
        "<line x1=\"\(x1)\" y1=\"\(y1)\" x2=\"\(x2)\" y2=\"\(y2)\" stroke=\"#333\"/>"
    }
}
