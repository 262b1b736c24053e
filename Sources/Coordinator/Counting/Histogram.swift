/// Durations by length, as Prometheus counts them.
package struct Histogram: Equatable, Sendable {
    /// Upper ends in seconds, ascending; the last class has none.
    package let bounds: [Double]
    /// How many fell into each class, one more than there are bounds.
    package private(set) var counts: [UInt64]
    /// In seconds.
    package private(set) var sum = 0.0

    package var count: UInt64 { counts.reduce(0, +) }

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    mutating func count(_ duration: Duration) {
        let seconds = max(0, duration / .seconds(1))
        counts[bounds.firstIndex { seconds <= $0 } ?? bounds.count] += 1
        sum += seconds
    }
}
