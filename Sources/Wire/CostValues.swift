public import Cluster
public import Placement

/// What shares cost, as measured lately, and what experts weigh.
public struct ClusterCosts: Equatable, Sendable {
    /// A worker of the plan in force.
    public struct Worker: Equatable, Sendable {
        public var name: WorkerName
        /// 1 computes as fast as the mean.
        public var speed: Double
        /// Bytes per second between it and the coordinator.
        public var bandwidth: Double
        public var roundTrip: Duration
        /// As it says; 0 where it says nothing.
        public var memoryByteCount: UInt64
        /// Whether it is given no experts.
        public var isDrained: Bool

        public init(
            name: WorkerName,
            speed: Double,
            bandwidth: Double,
            roundTrip: Duration,
            memoryByteCount: UInt64,
            isDrained: Bool = false
        ) {
            self.name = name
            self.speed = speed
            self.bandwidth = bandwidth
            self.roundTrip = roundTrip
            self.memoryByteCount = memoryByteCount
            self.isDrained = isDrained
        }
    }

    /// Whether nothing but what experts weigh was measured yet.
    public var isGuess: Bool
    /// Of a worker of speed 1, for each distinct expert.
    public var expertNanoseconds: Double
    /// And for each of its rows.
    public var pairNanoseconds: Double
    /// Of a row on its way to a worker, and of the partial row back.
    public var rowByteCount: Int
    /// Of one expert of each layer, 0 for a layer without.
    public var expertByteCounts: [Int]
    public var expertWidth: Int
    /// In the order of the plan.
    public var workers: [Worker]
    /// Busiest worker over the mean, computing only; nil where nothing was computed under the plan.
    public var imbalance: Double?

    public init(
        isGuess: Bool,
        expertNanoseconds: Double,
        pairNanoseconds: Double,
        rowByteCount: Int,
        expertByteCounts: [Int],
        expertWidth: Int,
        workers: [Worker],
        imbalance: Double?
    ) {
        self.isGuess = isGuess
        self.expertNanoseconds = expertNanoseconds
        self.pairNanoseconds = pairNanoseconds
        self.rowByteCount = rowByteCount
        self.expertByteCounts = expertByteCounts
        self.expertWidth = expertWidth
        self.workers = workers
        self.imbalance = imbalance
    }
}

/// How evenly workers are busy, and what came of the coordinator's own searches for better plans.
public struct BalanceReport: Equatable, Sendable {
    /// Busiest worker over the mean, computing only; nil where too little was computed to say.
    public var imbalance: Double?
    /// Whether the coordinator searches by itself.
    public var isAutomatic: Bool
    public var searches: RebalanceReport
    /// Since the last change; nil where there was none.
    public var sinceChange: Duration?

    public init(
        imbalance: Double?,
        isAutomatic: Bool,
        searches: RebalanceReport,
        sinceChange: Duration?
    ) {
        self.imbalance = imbalance
        self.isAutomatic = isAutomatic
        self.searches = searches
        self.sinceChange = sinceChange
    }
}
