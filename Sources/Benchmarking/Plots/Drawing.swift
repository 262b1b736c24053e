/// A picture of lines, boxes and words, as an SVG file.
///
/// Places are in pixels from the upper left corner.
struct Drawing {
    typealias Place = (x: Double, y: Double)

    /// Which part of a text stands at its place.
    enum Anchor: String {
        case start, middle, end
    }

    /// The colour of axes and outlines.
    static let ink = "#333"

    private let width: Double
    private let height: Double
    private var elements: [String] = []

    init(width: Double, height: Double, title: String) {
        self.width = width
        self.height = height
        add(title, at: (10, 22), size: 14)
    }

    mutating func add(
        _ text: String,
        at place: Place,
        size: Int = 13,
        color: String = "black",
        anchor: Anchor = .start
    ) {
        elements.append(
            """
            <text x="\(Self.number(place.x))" y="\(Self.number(place.y))" font-size="\(size)" \
            fill="\(color)" text-anchor="\(anchor.rawValue)">\(Self.escaped(text))</text>
            """
        )
    }

    /// Straight from each place to the next.
    mutating func addLine(_ places: [Place], color: String = Drawing.ink, width: Int = 1) {
        let points = places.map { "\(Self.number($0.x)),\(Self.number($0.y))" }
        elements.append(
            """
            <polyline points="\(points.joined(separator: " "))" fill="none" \
            stroke="\(color)" stroke-width="\(width)"/>
            """
        )
    }

    /// - Parameter place: of its upper left corner.
    mutating func addBox(at place: Place, width: Double, height: Double, fill: String) {
        elements.append(
            """
            <rect x="\(Self.number(place.x))" y="\(Self.number(place.y))" \
            width="\(Self.number(width))" height="\(Self.number(height))" \
            fill="\(fill)" stroke="\(Self.ink)"/>
            """
        )
    }

    var svg: String {
        """
        <svg xmlns="http://www.w3.org/2000/svg" width="\(Self.number(width))" \
        height="\(Self.number(height))" font-family="sans-serif">
        <rect width="100%" height="100%" fill="white"/>
        \(elements.joined(separator: "\n"))
        </svg>

        """
    }

    /// To a tenth of a pixel, which nobody sees.
    private static func number(_ value: Double) -> String {
        let rounded = (value * 10).rounded() / 10
        return Int(exactly: rounded).map { "\($0)" } ?? "\(rounded)"
    }

    private static func escaped(_ text: String) -> String {
        text.map { character in
            switch character {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            default: String(character)
            }
        }.joined()
    }
}
