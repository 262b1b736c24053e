public import Placement

extension Membership {
    /// One name in the cluster and what is known of its present or last life.
    public struct Member: Equatable, Sendable {
        public let name: WorkerName
        public internal(set) var incarnation = Incarnation.unnumbered
        public internal(set) var vitals = Vitals()
        /// How far it is with what it was last assigned.
        public internal(set) var load = Load.unassigned
        /// Whether it holds all that the plan in force gives it.
        public internal(set) var isHolding = false
        /// Whether it could not hold what it was to take over from others.
        public internal(set) var isFull = false
        public internal(set) var memoryByteCount: UInt64 = 0
        public internal(set) var link = Link.neverJoined
        /// Computes what it has, takes nothing more.
        public internal(set) var isDraining = false
        public internal(set) var lastHeard = Instant(nanoseconds: 0)
        /// Of the plan that it was last told to hold its part of.
        var assignedEpoch: Epoch?
        /// When it last told how its load goes, or was last asked.
        var loadHeard = Instant(nanoseconds: 0)
        var peer: PeerID?

        init(name: WorkerName) {
            self.name = name
        }

        public var isConnected: Bool { link == .connected }

        /// When to remind the worker of its experts, or nil where it needs no reminder.
        func reminderTime(_ limits: Limits) -> Instant? {
            guard isConnected else { return nil }
            return switch load {
            case .loading: loadHeard + limits.loadSilence
            case .failed: loadHeard + limits.failureSilence
            case .unassigned, .loaded: nil
            }
        }

        /// Whether shares can be sent to it.
        public var isServing: Bool { isConnected && isHolding && !isDraining }
    }

    public enum Link: Hashable, Sendable {
        case neverJoined
        case connected
        case lost(Loss, since: Instant)
    }

    /// How far a worker is with the experts that the plan gives it.
    public enum Load: Hashable, Sendable {
        case unassigned
        /// In bytes; both 0 until the worker reports.
        case loading(loaded: UInt64, total: UInt64)
        case loaded
        case failed(LoadFailureCode, String)
    }

    /// One word for where a worker stands, as lists show it.
    public enum State: String, Sendable {
        case expected, joined, loading, ready, suspect, draining, failed, lost
    }
}
