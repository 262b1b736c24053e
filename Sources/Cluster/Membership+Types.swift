public import Model
public import Placement

extension Membership {
    /// What the coordinator knows when it starts.
    public struct Setup: Hashable, Sendable {
        /// Versions of the protocol that it speaks.
        public var protocolVersions: ClosedRange<UInt32>
        public var model: ModelIdentity
        /// `[layer]`, 0 for a layer without experts.
        public var expertCounts: [Int]
        public var expected: Expected
        /// The plan given by the user or restored from disk, already validated; it names the
        /// workers, whatever `expected` says.
        public var plan: Plan?
        /// The highest numbers ever used, from disk; new ones go on from there.
        public var lastIncarnation: Incarnation
        public var lastEpoch: Epoch

        public init(
            protocolVersions: ClosedRange<UInt32>,
            model: ModelIdentity,
            expertCounts: [Int],
            expected: Expected,
            plan: Plan? = nil,
            lastIncarnation: Incarnation = .unnumbered,
            lastEpoch: Epoch = Epoch(rawValue: 0)
        ) {
            self.protocolVersions = protocolVersions
            self.model = model
            self.expertCounts = expertCounts
            self.expected = expected
            self.plan = plan
            self.lastIncarnation = lastIncarnation
            self.lastEpoch = lastEpoch
        }
    }

    /// Which workers make the cluster complete.
    public enum Expected: Hashable, Sendable {
        case names([WorkerName])
        /// That many, whatever they are called.
        case count(Int)

        public var count: Int {
            switch self {
            case .names(let names): Set(names).count
            case .count(let count): count
            }
        }
    }

    public struct Limits: Hashable, Sendable {
        /// How often workers send a sign of life.
        public var heartbeatInterval: Duration = .milliseconds(500)
        /// After this much silence a worker is suspect: still used, but a new process may take
        /// its name, so that a restart need not wait for the full silence limit.
        public var suspicionTime: Duration = .seconds(2)
        /// After this much silence a worker is lost and its shares fail.
        ///
        /// Ten heartbeats: machines that swap or compile next to us stall for a second or two.
        public var silenceLimit: Duration = .seconds(5)
        /// After this much silence about a load the assignment is repeated; workers that load
        /// report twice a second.
        public var loadSilence: Duration = .seconds(5)
        /// After this much silence about a load that failed the assignment is repeated too.
        ///
        /// A worker tries again by itself, sooner; but it may not know that it failed, where the
        /// news of an earlier connection came late.
        public var failureSilence: Duration = .seconds(15)
        /// Bytes of the text that a worker may send along with a failure or goodbye.
        public var reasonByteCount = 1024

        public init() {}
    }

    /// What a worker says about itself.
    public struct Hello: Hashable, Sendable {
        public var protocolVersion: UInt32
        public var name: WorkerName
        /// Of this process, from an earlier welcome, or `unnumbered`.
        public var incarnation: Incarnation
        /// The model whose file or experts it has, or nil where it has none yet.
        public var model: ModelIdentity?
        public var heldEpoch: Epoch?
        public var heldExpertCount: Int

        public init(
            protocolVersion: UInt32,
            name: WorkerName,
            incarnation: Incarnation = .unnumbered,
            model: ModelIdentity? = nil,
            heldEpoch: Epoch? = nil,
            heldExpertCount: Int = 0
        ) {
            self.protocolVersion = protocolVersion
            self.name = name
            self.incarnation = incarnation
            self.model = model
            self.heldEpoch = heldEpoch
            self.heldExpertCount = heldExpertCount
        }
    }

    public struct Heartbeat: Hashable, Sendable {
        public var sequence: UInt64
        public var incarnation: Incarnation
        public var vitals: Vitals

        public init(sequence: UInt64, incarnation: Incarnation, vitals: Vitals = Vitals()) {
            self.sequence = sequence
            self.incarnation = incarnation
            self.vitals = vitals
        }
    }

    /// What a worker counts about itself, in this incarnation.
    public struct Vitals: Hashable, Sendable {
        public var rowsComputed: UInt64
        public var sharesComputed: UInt64
        public var residentByteCount: UInt64
        /// Messages of the coordinator's that it did not act on.
        public var drops: DropCounts

        public init(
            rowsComputed: UInt64 = 0,
            sharesComputed: UInt64 = 0,
            residentByteCount: UInt64 = 0,
            drops: DropCounts = DropCounts()
        ) {
            self.rowsComputed = rowsComputed
            self.sharesComputed = sharesComputed
            self.residentByteCount = residentByteCount
            self.drops = drops
        }
    }

    /// What the caller does, in the order given.
    public enum Action: Equatable, Sendable {
        /// To disk, before what follows is sent.
        case recordIncarnation(Incarnation)
        /// To disk, before what follows is sent.
        case record(Plan)
        case refuse(PeerID, RefusalCode, String)
        case welcome(PeerID, WorkerName, Incarnation)
        case sendManifest(PeerID)
        case assign(PeerID, Epoch, [ExpertSlice])
        case replyHeartbeat(PeerID, sequence: UInt64)
        case drain(PeerID)
        /// Fail or reroute the worker's shares.
        case lost(WorkerName, Loss)
        /// A worker that counted as lost was only asleep.
        case returned(WorkerName)
        /// `[worker]` of the plan, the life that serves, nil where none does.
        case serving([Incarnation?])
        case becameReady(Epoch)
        /// With the text of `status`.
        case becameUnready(String)
    }

    /// How a worker went.
    public enum Loss: Hashable, Sendable, CustomStringConvertible {
        case silent(Duration)
        /// Another process said hello under its name.
        case replaced
        case goodbye(String)
        /// Its control connection lives, but no share reaches it.
        case unreachable
        /// It did not answer a share in time.
        case overdue

        public var description: String {
            switch self {
            case .silent(let gap): "silent for \(gap.inSeconds)"
            case .replaced: "replaced by a new process"
            case .goodbye(let reason): "said goodbye: \(reason)"
            case .unreachable: "its data connection is gone"
            case .overdue: "a share was not answered in time"
            }
        }
    }
}
