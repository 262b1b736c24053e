public import Placement

extension Membership {
    /// One name in the cluster and what is known of its present or last life.
    public struct Member: Equatable, Sendable {
        public let name: WorkerName
        public internal(set) var incarnation = Incarnation.unnumbered
        public internal(set) var vitals = Vitals()
        public internal(set) var load = Load.unassigned
        public internal(set) var link = Link.neverJoined
        /// Computes what it has, takes nothing more.
        public internal(set) var isDraining = false
        public internal(set) var lastHeard = Instant(nanoseconds: 0)
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
        public var isServing: Bool { isConnected && load == .loaded && !isDraining }
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
