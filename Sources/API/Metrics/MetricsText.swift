import Coordinator

/// Metrics as Prometheus reads them: its text format, version 0.0.4.
struct MetricsText {
    enum Kind: String {
        case counter
        case gauge
        case histogram
    }

    /// Names and values, in the order in which they are written.
    typealias Labels = KeyValuePairs<String, String>

    private(set) var text = ""
    /// On every line.
    private let common: [(String, String)]

    init(common: Labels) { self.common = common.map { ($0.key, $0.value) } }

    /// Begins a family: everything until the next one belongs to it.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP moiety_\(name) \(help)\n# TYPE moiety_\(name) \(kind.rawValue)\n"
    }

    mutating func value(_ name: String, _ value: Double, _ labels: Labels = [:]) {
        line(name, Self.number(value), labels.map { ($0.key, $0.value) })
    }

    mutating func value(_ name: String, _ value: some BinaryInteger, _ labels: Labels = [:]) {
        line(name, "\(value)", labels.map { ($0.key, $0.value) })
    }

    mutating func gauge(_ name: String, _ value: Double, _ help: String) {
        family(name, .gauge, help)
        self.value(name, value)
    }

    mutating func gauge(_ name: String, _ value: some BinaryInteger, _ help: String) {
        family(name, .gauge, help)
        self.value(name, value)
    }

    mutating func counter(_ name: String, _ value: some BinaryInteger, _ help: String) {
        family(name, .counter, help)
        self.value(name, value)
    }

    mutating func histogram(_ name: String, _ histogram: Histogram, _ help: String) {
        family(name, .histogram, help)
        var sum: UInt64 = 0
        let bounds = histogram.bounds.map(Self.number) + ["+Inf"]
        for (bound, count) in zip(bounds, histogram.counts) {
            sum += count
            line("\(name)_bucket", "\(sum)", [("le", bound)])
        }
        line("\(name)_sum", Self.number(histogram.sum), [])
        line("\(name)_count", "\(sum)", [])
    }

    private mutating func line(_ name: String, _ value: String, _ labels: [(String, String)]) {
        let all = (common + labels).map { "\($0.0)=\"\(Self.escaped($0.1))\"" }
        text += "moiety_\(name){\(all.joined(separator: ","))} \(value)\n"
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return "\(value)"
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
