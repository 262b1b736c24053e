/// How fast experts may be read, so that a change of plans leaves disks, networks and cores to
/// those who compute.
package struct Pace: Hashable, Sendable {
    /// 0 for as fast as it can, for others wait for these experts.
    package let bytesPerSecond: UInt64

    package init(bytesPerSecond: UInt64) { self.bytesPerSecond = bytesPerSecond }

    /// Whether it comes before all else.
    var isUrgent: Bool { bytesPerSecond == 0 }

    /// How long reading so much takes at least.
    package func time(of byteCount: Int) -> Duration {
        guard !isUrgent else { return .zero }
        return .seconds(Double(max(0, byteCount)) / Double(bytesPerSecond))
    }
}
