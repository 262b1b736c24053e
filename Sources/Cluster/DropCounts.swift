/// Messages that were not acted on, counted by why.
///
/// Every message that a daemon reads either has its effect or is counted here.
public struct DropCounts: Hashable, Sendable {
    /// Why a message was not acted on; the raw value is the word that people and scripts see.
    public enum Reason: String, CaseIterable, Sendable {
        /// More frames, or longer ones, than any message has.
        case oversize
        /// No message, or one whose parts do not fit each other.
        case malformed
        /// A message that is not this side's to send, or not to this socket.
        case unexpected
        /// From a connection that said no hello, or that stands for no worker of the plan.
        case unknownPeer
        /// The sender's key does not allow it, or counts no more.
        case forbidden
        /// A hello that was answered by a refusal.
        case refusedHello
        /// From an earlier life of a worker.
        case staleIncarnation
        /// About another epoch than the plan in force.
        case staleEpoch
        /// An answer to a share that was never sent.
        case unknownShare
        /// An answer whose share is over, or which another attempt took over.
        case late
        case duplicate
        /// An answer to a share that was sent to another worker.
        case wrongWorker
        /// Taken, but the queue to the peer had no room for what it asks for.
        case unanswered
        /// A reason that only a newer release knows.
        case other
    }

    private var counts: [Reason: UInt64] = [:]

    public init() {}

    public subscript(reason: Reason) -> UInt64 {
        get { counts[reason] ?? 0 }
        set { counts[reason] = newValue == 0 ? nil : newValue }
    }

    public mutating func count(_ reason: Reason) { add(1, to: reason) }

    public mutating func add(_ count: UInt64, to reason: Reason) {
        // Counts of another daemon may be anything.
        let (sum, overflow) = self[reason].addingReportingOverflow(count)
        self[reason] = overflow ? .max : sum
    }

    public mutating func add(_ other: DropCounts) {
        for (reason, count) in other.all { add(count, to: reason) }
    }

    /// Those that are not 0, always in the same order.
    public var all: [(reason: Reason, count: UInt64)] {
        Reason.allCases.compactMap { reason in counts[reason].map { (reason, $0) } }
    }

    public var total: UInt64 {
        counts.values.reduce(0) { sum, count in
            let (next, overflow) = sum.addingReportingOverflow(count)
            return overflow ? .max : next
        }
    }
}

extension DropCounts: CustomStringConvertible {
    public var description: String {
        all.map { "\($0.reason.rawValue) \($0.count)" }.joined(separator: ", ")
    }
}
