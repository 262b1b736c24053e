import ArgumentParser

/// Bytes per second, as `50MB/s`.
struct Bandwidth: ExpressibleByArgument {
    let bytesPerSecond: UInt64

    private static let units: [(name: String, scale: Double)] = [
        ("kB/s", 1e3), ("MB/s", 1e6), ("GB/s", 1e9),
    ]

    init?(argument: String) {
        guard let unit = Self.units.first(where: { argument.hasSuffix($0.name) }),
            let number = Double(argument.dropLast(unit.name.count)),
            case let rate = (number * unit.scale).rounded(), rate >= 1, rate <= 1e15
        else { return nil }
        bytesPerSecond = UInt64(rate)
    }
}
