/// Lets a few reports through per second, so that a peer that floods us floods no log.
///
/// A value: the caller passes `now`. What is held back is counted and told with the next one.
public struct ReportLimiter: Equatable, Sendable {
    /// Enough to see what is wrong, few enough to read.
    public static let reportsPerSecond = 5

    private var second = Instant(nanoseconds: .min)
    private var admitted = 0
    private var heldBack = 0

    public init() {}

    /// Decides about one report.
    ///
    /// - Returns: how many were held back before it, or nil where this one is held back too.
    public mutating func admit(now: Instant) -> Int? {
        if now - second >= .seconds(1) {
            second = now
            admitted = 0
        }
        guard admitted < Self.reportsPerSecond else {
            heldBack += 1
            return nil
        }
        admitted += 1
        defer { heldBack = 0 }
        return heldBack
    }
}
