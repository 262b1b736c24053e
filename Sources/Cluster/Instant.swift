/// A point in time: nanoseconds since an arbitrary start, on a clock that never goes back.
///
/// Shells read the clock and pass the result in; state machines only compare and add. Sums that
/// do not fit stop at the ends of the range, so no duration from a settings file can trap.
public struct Instant: Hashable, Sendable {
    public static let distantFuture = Instant(nanoseconds: .max)

    public let nanoseconds: Int64

    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    public static func + (instant: Instant, duration: Duration) -> Instant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(
            duration.clampedNanoseconds
        )
        guard overflow else { return Instant(nanoseconds: sum) }
        return Instant(nanoseconds: duration < .zero ? .min : .max)
    }

    public static func - (left: Instant, right: Instant) -> Duration {
        let (gap, overflow) = left.nanoseconds.subtractingReportingOverflow(right.nanoseconds)
        guard overflow else { return .nanoseconds(gap) }
        return .nanoseconds(left < right ? Int64.min : Int64.max)
    }
}

extension Instant: Comparable {
    public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

extension Duration {
    /// Whole nanoseconds, stopped at the ends of `Int64` (292 years).
    var clampedNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        guard overflow || carry else { return sum }
        return seconds < 0 ? .min : .max
    }
}
