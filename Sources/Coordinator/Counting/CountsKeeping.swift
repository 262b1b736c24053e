package import Cluster
import Messaging
package import Placement

/// By which counts go from one life of the coordinator to the next.
///
/// The step thread counts and says when it is time; others read and write.
package struct CountsKeeping: Sendable {
    /// What a former life has counted, until somebody takes it: its tables may be large.
    private let kept: Latest<KeptCounts?>
    /// Between two writes at least.
    let interval: Duration
    /// Hands counts over to whoever writes them, and never waits.
    ///
    /// The last ones of a life are taken whatever else is under way; says whether they were.
    let write: @Sendable (_ report: ProfileReport, _ isLast: Bool) -> Bool

    package init(
        kept: KeptCounts?,
        interval: Duration,
        write: @escaping @Sendable (_ report: ProfileReport, _ isLast: Bool) -> Bool
    ) {
        self.kept = Latest(kept)
        self.interval = interval
        self.write = write
    }

    /// Nil where there is nothing, and from the second time on.
    func takeKept() -> KeptCounts? {
        defer { kept.replace(by: nil) }
        return kept.value
    }
}

/// When counts are to be written: some time after rows were counted that no file has.
package struct KeepingPace: Equatable, Sendable {
    private let interval: Duration
    /// When it is time; nil where everything that was counted was handed over.
    package private(set) var deadline: Instant?

    /// Tables of so many bytes are written once in an interval, larger ones less often.
    ///
    /// A disk wears, and the step thread copies what it counts in while it is being written.
    package static let byteCount = 16 << 20

    package init(interval: Duration) { self.interval = interval }

    /// Whether something was counted that was not handed over.
    package var isBehind: Bool { deadline != nil }

    /// Rows were counted.
    ///
    /// - Parameter byteCount: of all tables.
    package mutating func onRows(byteCount: Int, now: Instant) {
        guard deadline == nil else { return }
        let intervals = max(1, (byteCount + Self.byteCount - 1) / Self.byteCount)
        deadline = now + interval * intervals
    }

    package func isDue(now: Instant) -> Bool { deadline.map { $0 <= now } ?? false }

    /// Counts were handed over, or whoever writes was busy and is to be asked again.
    package mutating func onHandedOver(isTaken: Bool, now: Instant) {
        deadline = isTaken ? nil : now + interval
    }
}
