public import Cluster
public import Model
public import Placement

/// A job as the coordinator lists it.
public struct JobReport: Equatable, Sendable {
    public var id: String
    public var state: JobState
    public var task: String?
    public var promptTokenCount: Int
    public var generatedTokenCount: Int
    /// Seconds since 1970.
    public var submittedAt: UInt64
    public var message: String

    public init(
        id: String,
        state: JobState,
        task: String?,
        promptTokenCount: Int,
        generatedTokenCount: Int,
        submittedAt: UInt64,
        message: String
    ) {
        self.id = id
        self.state = state
        self.task = task
        self.promptTokenCount = promptTokenCount
        self.generatedTokenCount = generatedTokenCount
        self.submittedAt = submittedAt
        self.message = message
    }
}

/// Asks to end a job.
public struct Cancel: Equatable, Sendable {
    public var job: String

    public init(job: String) {
        self.job = job
    }
}

/// Whether a job was ended.
public struct CancelReply: Equatable, Sendable {
    public var job: String
    /// False where there is no such job or it has ended.
    public var isCancelled: Bool
    public var message: String

    public init(
        job: String,
        isCancelled: Bool,
        message: String
    ) {
        self.job = job
        self.isCancelled = isCancelled
        self.message = message
    }
}

/// A worker as the coordinator sees it.
public struct NodeReport: Equatable, Sendable {
    public var name: WorkerName
    /// A word for people and scripts: "ready", "loading", "lost" and so on.
    public var state: String
    public var incarnation: Incarnation
    /// Of the experts it holds, or nil where it holds none.
    public var epoch: Epoch?
    public var expertCount: Int
    public var residentByteCount: UInt64
    public var rowsComputed: UInt64
    /// Since its last sign of life, or nil where it never gave one.
    public var silentFor: Duration?
    public var instructionSet: String
    public var coreCount: Int
    public var memoryByteCount: UInt64
    public var loadedByteCount: UInt64
    public var totalByteCount: UInt64
    public var message: String
    /// What came to it and was not acted on.
    public var drops: DropCounts
    /// Where its experts came from.
    public var supply: SupplyCounts
    /// Nil where it computes every expert as it is in the file.
    public var lossy: LossyKind?

    public init(
        name: WorkerName,
        state: String,
        incarnation: Incarnation,
        epoch: Epoch?,
        expertCount: Int,
        residentByteCount: UInt64,
        rowsComputed: UInt64,
        silentFor: Duration?,
        instructionSet: String,
        coreCount: Int,
        memoryByteCount: UInt64,
        loadedByteCount: UInt64,
        totalByteCount: UInt64,
        message: String,
        drops: DropCounts = DropCounts(),
        supply: SupplyCounts = SupplyCounts(),
        lossy: LossyKind? = nil
    ) {
        self.name = name
        self.state = state
        self.incarnation = incarnation
        self.epoch = epoch
        self.expertCount = expertCount
        self.residentByteCount = residentByteCount
        self.rowsComputed = rowsComputed
        self.silentFor = silentFor
        self.instructionSet = instructionSet
        self.coreCount = coreCount
        self.memoryByteCount = memoryByteCount
        self.loadedByteCount = loadedByteCount
        self.totalByteCount = totalByteCount
        self.message = message
        self.drops = drops
        self.supply = supply
        self.lossy = lossy
    }
}

/// The cluster in a few words and numbers.
public struct StatusReport: Equatable, Sendable {
    public var isReady: Bool
    /// What it is waiting for, or that it is ready.
    public var text: String
    public var modelName: String
    /// Nil where there is no plan yet.
    public var epoch: Epoch?
    public var workersExpected: Int
    public var workersReady: Int
    public var jobsQueued: Int
    public var jobsRunning: Int
    public var protocolVersion: UInt32
    public var build: String
    /// Traffic on the coordinator's sockets.
    public var sockets: [SocketReport]
    /// Where trips to the workers spent their time.
    public var trips: TripProfile
    /// Nil where an older coordinator says nothing about it.
    public var balance: BalanceReport?
    /// Why durable jobs are not taken; empty where they are.
    public var ledgerTrouble: String

    public init(
        isReady: Bool,
        text: String,
        modelName: String,
        epoch: Epoch?,
        workersExpected: Int,
        workersReady: Int,
        jobsQueued: Int,
        jobsRunning: Int,
        protocolVersion: UInt32 = ProtocolVersion.current,
        build: String,
        sockets: [SocketReport] = [],
        trips: TripProfile = TripProfile(),
        balance: BalanceReport? = nil,
        ledgerTrouble: String = ""
    ) {
        self.isReady = isReady
        self.text = text
        self.modelName = modelName
        self.epoch = epoch
        self.workersExpected = workersExpected
        self.workersReady = workersReady
        self.jobsQueued = jobsQueued
        self.jobsRunning = jobsRunning
        self.protocolVersion = protocolVersion
        self.build = build
        self.sockets = sockets
        self.trips = trips
        self.balance = balance
        self.ledgerTrouble = ledgerTrouble
    }
}
