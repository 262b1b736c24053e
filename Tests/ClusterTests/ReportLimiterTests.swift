import Cluster
import Testing

@Suite("Reports of a flood")
struct ReportLimiterTests {
    @Test("A few pass per second; the next one tells how many were held back")
    func limits() {
        var limiter = ReportLimiter()
        let start = Instant(nanoseconds: 0)
        let first = (0..<100).map { _ in limiter.admit(now: start) }
        #expect(first.prefix(5) == [0, 0, 0, 0, 0])
        #expect(first.dropFirst(5).allSatisfy { $0 == nil })
        #expect(limiter.admit(now: start + .milliseconds(999)) == nil)
        #expect(limiter.admit(now: start + .seconds(1)) == 96)
        #expect(limiter.admit(now: start + .seconds(1)) == 0)
    }
}
