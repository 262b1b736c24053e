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
        var drawing = Drawing(
            width: Self.width,
            height: height,
            title: "\(comparison.name): busiest worker over the mean"
        )
        addAxis(to: &drawing, most: most, scale: scale, y: height - 36)
        for (index, result) in comparison.results.enumerated() {
            let y = Self.top + Self.rowHeight * (Double(index) + 0.5)
            add(result, to: &drawing, y: y, scale: scale)
        }
        return drawing.svg
    }

    private func add(
        _ result: PlacementResult,
        to drawing: inout Drawing,
        y: Double,
        scale: Double
    ) {
        func place(_ share: Double) -> Double {
            Self.left + (result.replay.imbalance(at: share) - 1) * scale
        }
        let (low, high) = (place(0.25), place(0.75))
        let ends = (place(0.05), place(0.95))
        drawing.add(result.solver.rawValue, at: (10, y + 5))
        drawing.addLine([(ends.0, y), (ends.1, y)])
        for x in [ends.0, ends.1] { drawing.addLine([(x, y - 6), (x, y + 6)]) }
        drawing.addBox(at: (low, y - 12), width: max(1, high - low), height: 24, fill: "#9ecae1")
        drawing.addLine([(place(0.5), y - 12), (place(0.5), y + 12)])
    }

    private func addAxis(to drawing: inout Drawing, most: Double, scale: Double, y: Double) {
        drawing.addLine([(Self.left, y), (Self.width - Self.right, y)])
        for tick in 0...4 {
            let value = 1 + (most - 1) * Double(tick) / 4
            let x = Self.left + (value - 1) * scale
            drawing.addLine([(x, y), (x, y + 5)])
            drawing.add("\((value * 100).rounded() / 100)", at: (x, y + 20), anchor: .middle)
        }
    }
}
