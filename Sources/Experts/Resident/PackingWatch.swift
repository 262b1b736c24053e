/// How long another process is waited for that packs experts: as long as its file grows.
package struct PackingWatch {
    private var byteCount: Int?
    /// When it had grown the last time.
    private var changed: ContinuousClock.Instant?

    /// Between two looks at it.
    static let pause = Duration.milliseconds(100)
    /// A slow disk takes that long for what the system holds of the file when it is to be durable.
    package static let patience = Duration.seconds(180)

    package init() {}

    /// - Parameter byteCount: of what is being packed now.
    /// - Returns: false once nothing has changed for too long.
    package mutating func isGettingOn(byteCount: Int, now: ContinuousClock.Instant) -> Bool {
        guard let changed, self.byteCount == byteCount else {
            self.byteCount = byteCount
            self.changed = now
            return true
        }
        return now - changed < Self.patience
    }
}
