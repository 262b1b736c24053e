public import Cluster
public import Model
public import Placement

/// A worker introduces itself; also after it lost the coordinator.
public struct Hello: Equatable, Sendable {
    public var protocolVersion: UInt32
    public var build: String
    public var role: Role
    public var name: WorkerName
    /// The number that this process got in an earlier welcome, or none.
    public var incarnation: Incarnation
    /// The model whose experts it holds or whose file it has, or nil where it has none yet.
    public var model: ModelIdentity?
    /// The epoch of the plan whose experts it holds, or nil where it holds none.
    public var heldEpoch: Epoch?
    public var heldExpertCount: Int
    public var coreCount: Int
    public var memoryByteCount: UInt64
    /// The kernels in use.
    public var instructionSet: String
    /// Measured, of its memory, in bytes per second; 0 where not measured.
    public var readBandwidth: UInt64
    /// Whether it reads experts from disk, so that a `Hint` is of use to it.
    public var takesHints: Bool
    /// Nil where it computes every expert as it is in the file.
    public var lossy: LossyKind?

    public init(
        protocolVersion: UInt32 = ProtocolVersion.current,
        build: String,
        role: Role = .worker,
        name: WorkerName,
        incarnation: Incarnation,
        model: ModelIdentity?,
        heldEpoch: Epoch?,
        heldExpertCount: Int,
        coreCount: Int,
        memoryByteCount: UInt64,
        instructionSet: String,
        readBandwidth: UInt64,
        takesHints: Bool = false,
        lossy: LossyKind? = nil
    ) {
        self.protocolVersion = protocolVersion
        self.build = build
        self.role = role
        self.name = name
        self.incarnation = incarnation
        self.model = model
        self.heldEpoch = heldEpoch
        self.heldExpertCount = heldExpertCount
        self.coreCount = coreCount
        self.memoryByteCount = memoryByteCount
        self.instructionSet = instructionSet
        self.readBandwidth = readBandwidth
        self.takesHints = takesHints
        self.lossy = lossy
    }
}

/// The coordinator takes a worker in.
public struct Welcome: Equatable, Sendable {
    public var protocolVersion: UInt32
    public var build: String
    public var incarnation: Incarnation
    /// Where the worker connects for shares.
    public var dataEndpoint: String
    public var heartbeatInterval: Duration
    /// After this much silence of the coordinator the worker says hello again.
    public var silenceLimit: Duration

    public init(
        protocolVersion: UInt32 = ProtocolVersion.current,
        build: String,
        incarnation: Incarnation,
        dataEndpoint: String,
        heartbeatInterval: Duration,
        silenceLimit: Duration
    ) {
        self.protocolVersion = protocolVersion
        self.build = build
        self.incarnation = incarnation
        self.dataEndpoint = dataEndpoint
        self.heartbeatInterval = heartbeatInterval
        self.silenceLimit = silenceLimit
    }
}

/// Which model is served, so that a worker can find and check its own file.
public struct Manifest: Equatable, Sendable {
    public var modelName: String
    public var architecture: String
    public var model: ModelIdentity
    public var layerCount: Int
    /// Of one layer.
    public var expertCount: Int
    public var hiddenSize: Int
    /// Where a worker asks for chunks of experts that no file of its own has; empty for nowhere.
    public var chunkEndpoint: String
    /// What such a worker must know of the model, where it may ask for them.
    public var layout: ExpertLayout?

    public init(
        modelName: String,
        architecture: String,
        model: ModelIdentity,
        layerCount: Int,
        expertCount: Int,
        hiddenSize: Int,
        chunkEndpoint: String = "",
        layout: ExpertLayout? = nil
    ) {
        self.modelName = modelName
        self.architecture = architecture
        self.model = model
        self.layerCount = layerCount
        self.expertCount = expertCount
        self.hiddenSize = hiddenSize
        self.chunkEndpoint = chunkEndpoint
        self.layout = layout
    }
}

/// Which experts a worker holds from now on.
public struct Assignment: Equatable, Sendable {
    public var epoch: Epoch
    public var experts: [ExpertSlice]
    /// What the bytes of each whole expert must hash to, in the order of `experts`.
    public var digests: [ExpertDigest]
    /// Bytes that the worker may read per second for it, beside what it computes; 0 where others
    /// wait for it.
    public var bandwidth: UInt64
    /// Counts up, so that one that comes after a later one is dropped; 0 where nobody counts.
    public var serial: UInt64

    public init(
        epoch: Epoch,
        experts: [ExpertSlice],
        digests: [ExpertDigest],
        bandwidth: UInt64 = 0,
        serial: UInt64 = 0
    ) {
        self.epoch = epoch
        self.experts = experts
        self.digests = digests
        self.bandwidth = bandwidth
        self.serial = serial
    }
}

/// How far a worker is with loading its experts.
public struct LoadProgress: Equatable, Sendable {
    public var epoch: Epoch
    public var loadedByteCount: UInt64
    public var totalByteCount: UInt64

    public init(
        epoch: Epoch,
        loadedByteCount: UInt64,
        totalByteCount: UInt64
    ) {
        self.epoch = epoch
        self.loadedByteCount = loadedByteCount
        self.totalByteCount = totalByteCount
    }
}

/// All experts of an assignment are held and checked.
public struct Loaded: Equatable, Sendable {
    public var epoch: Epoch

    public init(epoch: Epoch) {
        self.epoch = epoch
    }
}

/// Why a worker does not hold what it was assigned.
public struct LoadFailed: Equatable, Sendable {
    public var epoch: Epoch
    public var code: LoadFailureCode
    /// For people.
    public var text: String

    public init(
        epoch: Epoch,
        code: LoadFailureCode,
        text: String
    ) {
        self.epoch = epoch
        self.code = code
        self.text = text
    }
}

/// A worker's sign of life, with what it counted in this incarnation.
public struct Heartbeat: Equatable, Sendable {
    public var sequence: UInt64
    public var incarnation: Incarnation
    public var rowsComputed: UInt64
    public var sharesComputed: UInt64
    public var residentByteCount: UInt64
    /// What came from the coordinator and was not acted on.
    public var drops: DropCounts
    /// Where its experts came from.
    public var supply: SupplyCounts

    public init(
        sequence: UInt64,
        incarnation: Incarnation,
        rowsComputed: UInt64,
        sharesComputed: UInt64,
        residentByteCount: UInt64,
        drops: DropCounts = DropCounts(),
        supply: SupplyCounts = SupplyCounts()
    ) {
        self.sequence = sequence
        self.incarnation = incarnation
        self.rowsComputed = rowsComputed
        self.sharesComputed = sharesComputed
        self.residentByteCount = residentByteCount
        self.drops = drops
        self.supply = supply
    }
}

/// The coordinator's sign of life.
public struct HeartbeatReply: Equatable, Sendable {
    public var sequence: UInt64

    public init(sequence: UInt64) {
        self.sequence = sequence
    }
}

/// Whoever sends it is leaving.
public struct Goodbye: Equatable, Sendable {
    public var reason: String

    public init(reason: String) {
        self.reason = reason
    }
}
