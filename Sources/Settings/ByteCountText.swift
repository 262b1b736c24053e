/// Bytes as people write them: a whole number and nothing, `kB`, `MB`, `GB` or `TB`, or the powers
/// of 1024 `KiB`, `MiB`, `GiB` or `TiB`.
public enum ByteCountText {
    /// Largest first, so that writing finds the shortest exact form.
    private static let units = [
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000), ("", 1),
    ]

    private static let binaryUnits = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]

    /// Nil for anything but digits and a unit, and where the number leaves 63 bits.
    public static func byteCount(of text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let suffix = text.dropFirst(digits.count)
        guard let count = Int(digits),
            let unit = (units + binaryUnits).first(where: { $0.0 == suffix })
        else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: unit.1)
        return overflow ? nil : bytes
    }

    /// The largest power of 1000 that divides the number.
    static func text(of byteCount: Int) -> String {
        let unit = units.first { byteCount > 0 && byteCount % $0.1 == 0 } ?? ("", 1)
        return "\(byteCount / unit.1)\(unit.0)"
    }
}
