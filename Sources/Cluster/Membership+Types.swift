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
        /// `[layer]`, bytes of one expert.
        public var expertByteCounts: [Int]
        /// Feed-forward dimensions of an expert.
        public var expertWidth: Int
        public var expected: Expected
        /// Whether answers may be inexact: else workers that are lossy are sent away.
        public var allowsLossy: Bool
        /// What experts and their shards weigh.
        var expertSizes: ExpertSizes {
            ExpertSizes(byteCounts: expertByteCounts, width: expertWidth)
        }
        /// The plan given by the user or restored from disk, already validated; it names the
        /// workers, whatever `expected` says.
        public var plan: Plan?
        /// The highest numbers ever used, from disk; new ones go on from there.
        public var lastIncarnation: Incarnation
        public var lastEpoch: Epoch
        /// Workers that are to be given nothing, from disk.
        public var drained: Set<WorkerName>

        public init(
            protocolVersions: ClosedRange<UInt32>,
            model: ModelIdentity,
            expertCounts: [Int],
            expertByteCounts: [Int]? = nil,
            expertWidth: Int = ExpertSlice.step,
            expected: Expected,
            allowsLossy: Bool = false,
            plan: Plan? = nil,
            lastIncarnation: Incarnation = .unnumbered,
            lastEpoch: Epoch = Epoch(rawValue: 0),
            drained: Set<WorkerName> = []
        ) {
            self.protocolVersions = protocolVersions
            self.model = model
            self.expertCounts = expertCounts
            self.expertByteCounts = expertByteCounts ?? expertCounts.map { _ in 0 }
            self.expertWidth = expertWidth
            self.expected = expected
            self.allowsLossy = allowsLossy
            self.plan = plan
            self.lastIncarnation = lastIncarnation
            self.lastEpoch = lastEpoch
            self.drained = drained
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
        /// How long a lost worker is waited for before others load the experts that only it held.
        ///
        /// A process that is restarted is back sooner, but still has to load.
        public var recoveryDelay: Duration = .seconds(1)
        /// How long everybody must be back before copies that others took over are let go of.
        public var homeDelay: Duration = .seconds(60)
        /// Of the memory that a worker says it has, how much experts and the rest may fill.
        public var memoryShare = 0.9
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
        /// Of its machine, or what it may use of that; 0 where it does not say.
        public var memoryByteCount: UInt64
        /// Nil where it computes every expert as it is in the file.
        public var lossy: LossyKind?

        public init(
            protocolVersion: UInt32,
            name: WorkerName,
            incarnation: Incarnation = .unnumbered,
            model: ModelIdentity? = nil,
            heldEpoch: Epoch? = nil,
            heldExpertCount: Int = 0,
            memoryByteCount: UInt64 = 0,
            lossy: LossyKind? = nil
        ) {
            self.protocolVersion = protocolVersion
            self.name = name
            self.incarnation = incarnation
            self.model = model
            self.heldEpoch = heldEpoch
            self.heldExpertCount = heldExpertCount
            self.memoryByteCount = memoryByteCount
            self.lossy = lossy
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
        /// Where its experts came from.
        public var supply: SupplyCounts

        public init(
            rowsComputed: UInt64 = 0,
            sharesComputed: UInt64 = 0,
            residentByteCount: UInt64 = 0,
            drops: DropCounts = DropCounts(),
            supply: SupplyCounts = SupplyCounts()
        ) {
            self.supply = supply
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
        /// To disk, before what follows is sent: workers load so many copies for the next plan.
        case prepare(Epoch, copies: Int, byteCount: Int)
        /// A change of plans begins, of so many stages and copies of experts.
        case change(stages: Int, copies: Int, byteCount: Int)
        /// A change of plans is done.
        case changed(Epoch)
        /// A change of plans was given up between two stages.
        case unchanged(reason: String)
        /// The plan that was prepared does not come.
        case abandon(Epoch, reason: String)
        case refuse(PeerID, RefusalCode, String)
        case welcome(PeerID, WorkerName, Incarnation)
        case sendManifest(PeerID)
        /// Such a worker may read so many bytes per second for it, beside what it computes; 0 where
        /// others wait for it.
        /// The serial counts up over all lives.
        case assign(PeerID, Epoch, [ExpertSlice], bandwidth: UInt64, serial: UInt64)
        /// To disk, before what follows is sent: who is to be given nothing.
        case recordDrained(Set<WorkerName>)
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
