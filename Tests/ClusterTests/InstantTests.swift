import Cluster
import Testing

@Suite("An instant")
struct InstantTests {
    @Test("adds and subtracts durations")
    func arithmetic() {
        let start = Instant(nanoseconds: 5)
        #expect(start + .milliseconds(2) == Instant(nanoseconds: 2_000_005))
        #expect(start + .nanoseconds(-7) == Instant(nanoseconds: -2))
        #expect(Instant(nanoseconds: 2_000_005) - start == .milliseconds(2))
    }

    @Test("stops at the ends of its range instead of trapping")
    func ends() {
        let last = Instant.distantFuture
        let first = Instant(nanoseconds: .min)
        #expect(last + .seconds(1) == last)
        #expect(first + .seconds(-1) == first)
        #expect(last + .seconds(Int64.max) == last)
        #expect(first + .seconds(Int64.min) == first)
        #expect(last - first == .nanoseconds(Int64.max))
        #expect(first - last == .nanoseconds(Int64.min))
    }
}
