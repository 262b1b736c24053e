/// What measuring one thing several times gave.
///
/// The median stands for it: on a machine with neighbours the mean is as noisy as they are, and
/// the best is nobody's experience.
public struct Sample: Equatable, Sendable {
    /// In the order measured; at least one.
    public let values: [Double]

    /// - Precondition: there are values.
    public init(_ values: [Double]) {
        precondition(!values.isEmpty, "nothing was measured")
        self.values = values
    }

    /// Measures `count` times.
    public init(repeating count: Int, _ measure: () throws -> Double) rethrows {
        var values: [Double] = []
        for _ in 0..<max(1, count) { values.append(try measure()) }
        self.init(values)
    }

    public var median: Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2)
            ? (sorted[middle - 1] + sorted[middle]) / 2
            : sorted[middle]
    }

    public var minimum: Double { values.reduce(.infinity, min) }
    public var maximum: Double { values.reduce(-.infinity, max) }

    /// Each value divided by the one of `other` that was measured beside it.
    ///
    /// What slows the machine for a while slows both, and drops out.
    ///
    /// - Precondition: both were measured equally often.
    public func ratios(to other: Sample) -> Sample {
        precondition(values.count == other.values.count, "samples of different lengths")
        return Sample(zip(values, other.values).map { $0 / $1 })
    }

    public func map(_ transform: (Double) -> Double) -> Sample {
        Sample(values.map(transform))
    }
}

extension Sample {
    /// The seconds that `body` takes.
    static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return (ContinuousClock.now - start) / .seconds(1)
    }
}
