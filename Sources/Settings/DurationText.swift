/// Times as people write them: a whole number and `ms`, `s`, `m` or `h`.
enum DurationText {
    /// Largest first, so that writing finds the shortest exact form.
    private static let units: [(suffix: String, milliseconds: Int64)] = [
        ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// Nil for anything but digits and a unit, and where the time leaves 64 bits of milliseconds.
    static func duration(of text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let suffix = text.dropFirst(digits.count)
        guard let count = Int64(digits) else { return nil }
        guard let unit = units.first(where: { $0.suffix == suffix }) else { return nil }
        let (milliseconds, overflow) = count.multipliedReportingOverflow(by: unit.milliseconds)
        return overflow ? nil : .milliseconds(milliseconds)
    }

    /// The largest unit that divides the time; parts of a millisecond are dropped.
    static func text(of duration: Duration) -> String {
        let milliseconds = duration / .milliseconds(1)
        let count = Int64(exactly: milliseconds.rounded(.down)) ?? .max
        for unit in units where count >= unit.milliseconds && count % unit.milliseconds == 0 {
            return "\(count / unit.milliseconds)\(unit.suffix)"
        }
        return "\(count)ms"
    }
}
