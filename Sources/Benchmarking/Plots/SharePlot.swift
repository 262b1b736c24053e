/// Parts of a whole against a number, as lines in an SVG file.
public struct SharePlot {
    /// How one of those that are compared fares.
    public struct Line: Sendable {
        public let name: String
        /// From left to right.
        public let points: [Point]

        public init(name: String, points: [Point]) {
            self.name = name
            self.points = points
        }
    }

    public struct Point: Hashable, Sendable {
        public let x: Double
        /// 0 to 1.
        public let share: Double

        public init(x: Double, share: Double) {
            self.x = x
            self.share = share
        }
    }

    private let title: String
    private let axis: String
    private let lines: [Line]
    private let range: ClosedRange<Double>

    private static let (width, height) = (640.0, 400.0)
    private static let (left, right, top, bottom) = (56.0, 24.0, 64.0, 56.0)
    private static let colors = ["#d95f02", "#1b6ca8", "#4d9221", "#7b3294"]

    /// - Parameter axis: what the number is.
    public init(_ title: String, axis: String, lines: [Line]) {
        self.title = title
        self.axis = axis
        self.lines = lines
        let places = lines.flatMap { $0.points.map(\.x) }
        range = (places.min() ?? 0)...(places.max() ?? 0)
    }

    public var svg: String {
        var drawing = Drawing(width: Self.width, height: Self.height, title: title)
        addAxes(to: &drawing)
        var x = Self.left
        for (index, line) in lines.enumerated() {
            let color = Self.colors[index % Self.colors.count]
            drawing.add(line.name, at: (x, Self.top - 18), color: color)
            // About the width of a letter and its neighbour's distance.
            x += 7 * Double(line.name.count) + 24
            drawing.addLine(line.points.map(place), color: color, width: 2)
        }
        return drawing.svg
    }

    private func addAxes(to drawing: inout Drawing) {
        let end = Self.width - Self.right
        for percent in stride(from: 0, through: 100, by: 25) {
            let y = place(Point(x: range.lowerBound, share: Double(percent) / 100)).y
            drawing.addLine([(Self.left, y), (end, y)], color: percent > 0 ? "#ccc" : Drawing.ink)
            drawing.add("\(percent) %", at: (Self.left - 8, y + 5), anchor: .end)
        }
        for value in Set(lines.flatMap { $0.points.map(\.x) }).sorted() {
            let (x, y) = place(Point(x: value, share: 0))
            drawing.addLine([(x, y), (x, y + 5)])
            drawing.add("\(value)", at: (x, y + 20), anchor: .middle)
        }
        let middle = (Self.left + end) / 2
        drawing.add(axis, at: (middle, Self.height - 14), anchor: .middle)
    }

    private func place(_ point: Point) -> Drawing.Place {
        let span = range.upperBound - range.lowerBound
        let across = span > 0 ? (point.x - range.lowerBound) / span : 0.5
        return (
            x: Self.left + across * (Self.width - Self.left - Self.right),
            y: Self.height - Self.bottom
                - point.share * (Self.height - Self.top - Self.bottom)
        )
    }
}
