public import Model
public import Placement

extension WorkerSession {
    /// What the worker is, for as long as its process lives.
    public struct Identity: Hashable, Sendable {
        public var protocolVersion: UInt32
        public var name: WorkerName
        /// Of the model file in its settings, or nil where it has none of its own.
        public var model: ModelIdentity?

        public init(protocolVersion: UInt32, name: WorkerName, model: ModelIdentity?) {
            self.protocolVersion = protocolVersion
            self.name = name
            self.model = model
        }
    }

    public struct Limits: Hashable, Sendable {
        /// How long a hello waits for its answer.
        public var welcomeTime: Duration = .seconds(2)
        /// Before the second hello; doubles from there.
        public var firstWait: Duration = .milliseconds(100)
        /// Short enough that a restarted coordinator has its workers back within seconds.
        public var longestWait: Duration = .seconds(2)
        /// After a refusal that lasts until someone changes a file, a setting or a program.
        public var permanentRefusalWait: Duration = .seconds(30)
        /// After a load failed, before asking for the experts again.
        public var loadRetryTime: Duration = .seconds(10)
        /// Between two reports of how far a load is.
        public var progressInterval: Duration = .milliseconds(500)
        /// How long the last shares may take once the worker is to leave.
        public var drainTime: Duration = .seconds(30)
        /// Bounds for what a coordinator may ask for, so that a wrong one can neither flood the
        /// network nor hold a worker for ever.
        public var shortestHeartbeatInterval: Duration = .milliseconds(10)
        public var longestHeartbeatInterval: Duration = .seconds(60)
        public var longestSilence: Duration = .seconds(300)
        /// In one assignment; the largest models have some 60 layers of 512.
        public var experts = 1 << 18
        /// Bytes of a text from the coordinator that are kept.
        public var reasonByteCount = 1024

        public init() {}
    }

    /// How things stand with the coordinator.
    public enum Phase: Hashable, Sendable {
        case idle
        /// No answer so far; the next hello is at `until`.
        case waiting(until: Instant)
        /// Said hello, waits for the answer.
        case greeting(until: Instant)
        case welcomed
        case refused(RefusalCode, String, until: Instant)
        case stopped
    }

    /// How things stand with the experts.
    public enum Loading: Hashable, Sendable {
        case none
        case underWay(Load)
        case done(Epoch)
        case failed(LoadFailureCode, String, retryAt: Instant)

        var retryAt: Instant {
            guard case .failed(_, _, let retryAt) = self else { return .distantFuture }
            return retryAt
        }
    }

    public struct Load: Hashable, Sendable {
        public let epoch: Epoch
        /// In bytes; both 0 until the caller reports.
        public internal(set) var loaded: UInt64 = 0
        public internal(set) var total: UInt64 = 0
        /// All that will be held in the end.
        let wanted: [ExpertSlice: AssignedExpert]
        var nextReport = Instant(nanoseconds: .min)

        init(epoch: Epoch, wanted: [ExpertSlice: AssignedExpert]) {
            self.epoch = epoch
            self.wanted = wanted
        }
    }

    public struct Welcome: Hashable, Sendable {
        public var incarnation: Incarnation
        public var heartbeatInterval: Duration
        public var silenceLimit: Duration

        public init(
            incarnation: Incarnation,
            heartbeatInterval: Duration,
            silenceLimit: Duration
        ) {
            self.incarnation = incarnation
            self.heartbeatInterval = heartbeatInterval
            self.silenceLimit = silenceLimit
        }
    }

    public struct Manifest: Hashable, Sendable {
        public var model: ModelIdentity
        public var layerCount: Int
        /// Per layer.
        public var expertCount: Int

        public init(model: ModelIdentity, layerCount: Int, expertCount: Int) {
            self.model = model
            self.layerCount = layerCount
            self.expertCount = expertCount
        }
    }

    /// An expert to hold, or a shard of it, and what the bytes of the whole expert must hash to.
    public struct AssignedExpert: Hashable, Sendable {
        public let part: ExpertSlice
        public let digest: ExpertDigest

        public init(_ part: ExpertSlice, digest: ExpertDigest) {
            self.part = part
            self.digest = digest
        }

        public init(_ expert: ExpertID, digest: ExpertDigest) {
            self.init(ExpertSlice(expert), digest: digest)
        }

        public var expert: ExpertID { part.expert }
    }

    /// What the caller does, in the order given.
    public enum Action: Equatable, Sendable {
        /// Open a new control connection instead of the old one, if any.
        case connect
        case sayHello(Membership.Hello)
        /// Give these experts' memory back.
        case drop([ExpertSlice])
        /// Of experts in two parts, shares made under this plan or a later one mean these; earlier
        /// ones mean the others.
        case arrange(Epoch, later: [ExpertSlice])
        /// Stop reading for this epoch and give up what was read.
        case cancelLoad(Epoch)
        /// Read and verify these, and report progress, success or failure: no more bytes per second
        /// than so many, beside what is computed; 0 where others wait for it.
        case load(Epoch, [AssignedExpert], bandwidth: UInt64)
        case reportProgress(Epoch, loaded: UInt64, total: UInt64)
        case reportLoaded(Epoch)
        case reportLoadFailed(Epoch, LoadFailureCode, String)
        case sendHeartbeat(sequence: UInt64, Incarnation)
        case announceDrain
        case sayGoodbye(String)
        /// Close the connection; the session is over.
        case stop
    }
}
