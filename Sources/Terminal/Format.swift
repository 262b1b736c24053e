/// Numbers as people read them.
public enum Format {
    /// `digits` digits behind the point.
    public static func fixed(_ value: Double, digits: Int = 1) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        guard let whole = Int(exactly: (abs(value) * scale).rounded()) else { return "\(value)" }
        let sign = value < 0 && whole > 0 ? "-" : ""
        guard digits > 0 else { return sign + "\(whole)" }
        let text = String(repeating: "0", count: max(0, digits + 1 - "\(whole)".count)) + "\(whole)"
        return sign + text.dropLast(digits) + "." + text.suffix(digits)
    }

    /// `45.1 MB`; a thousand bytes are a kilobyte.
    public static func bytes(_ count: some BinaryInteger) -> String {
        let units = ["bytes", "kB", "MB", "GB", "TB", "PB"]
        var value = Double(count)
        var unit = 0
        while value >= 1000, unit + 1 < units.count {
            value /= 1000
            unit += 1
        }
        return unit == 0 ? "\(count) bytes" : "\(fixed(value)) \(units[unit])"
    }

    /// `[#####---------------]  25 %, 0.7 GB of 2.9 GB`.
    public static func bar(_ done: Int, of total: Int) -> String {
        let length = 20
        let share = total > 0 ? min(1, Double(done) / Double(total)) : 1
        let marks = Int(share * Double(length))
        let bar =
            String(repeating: "#", count: marks) + String(repeating: "-", count: length - marks)
        let percent = fixed(100 * share, digits: 0)
        let padding = String(repeating: " ", count: max(0, 3 - percent.count))
        return "[\(bar)] \(padding)\(percent) %, \(bytes(done)) of \(bytes(total))"
    }

    public static func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }

    public static func count(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }
}
