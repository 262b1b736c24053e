/// Which shares a worker has taken on, so that none is computed twice.
///
/// Remembers the latest ones only: what is older than `capacity` shares is long answered or given
/// up, and the coordinator drops late answers anyway.
public struct ShareLedger: Equatable, Sendable {
    public enum Verdict: Equatable, Sendable {
        case compute
        /// This attempt was taken on already: its answer is or will be under way.
        case duplicate
        /// A later attempt was taken on already.
        case late
    }

    public let capacity: Int
    private var attempts: [ShareID: UInt32] = [:]
    /// The shares in `attempts`, as a ring whose oldest is at `oldest` once it is full.
    private var order: [ShareID] = []
    private var oldest = 0

    /// - Parameter capacity: one step has at most a share per layer under way, so this covers
    ///   several steps of the deepest models.
    public init(capacity: Int = 1024) {
        precondition(capacity > 0, "a ledger of \(capacity) shares remembers nothing")
        self.capacity = capacity
    }

    public var count: Int { attempts.count }

    /// Decides about a share that arrived, and remembers it where it is to be computed.
    public mutating func admit(_ share: ShareID, attempt: UInt32) -> Verdict {
        if let known = attempts[share] {
            guard attempt > known else { return attempt == known ? .duplicate : .late }
            attempts[share] = attempt
            return .compute
        }
        remember(share)
        attempts[share] = attempt
        return .compute
    }

    /// Forgets everything: a coordinator in a new life numbers its shares anew.
    public mutating func removeAll() {
        attempts.removeAll(keepingCapacity: true)
        order.removeAll(keepingCapacity: true)
        oldest = 0
    }

    private mutating func remember(_ share: ShareID) {
        guard order.count == capacity else {
            order.append(share)
            return
        }
        attempts[order[oldest]] = nil
        order[oldest] = share
        oldest = (oldest + 1) % capacity
    }
}
