/// How fast experts may be read, so that a change of plans leaves disks and networks to others.
package struct Pace: Hashable, Sendable {
    /// 0 for as fast as it can.
    package let bytesPerSecond: UInt64

    package init(bytesPerSecond: UInt64) { self.bytesPerSecond = bytesPerSecond }

    /// How long reading so much takes at least.
    package func time(of byteCount: Int) -> Duration {
        guard bytesPerSecond > 0 else { return .zero }
        return .seconds(Double(max(0, byteCount)) / Double(bytesPerSecond))
    }
}
