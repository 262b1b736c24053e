public import Placement

/// Asks what the routers chose.
public struct GetProfile: Equatable, Sendable {
    public enum Action: UInt32, CaseIterable, Sendable {
        case look = 1
        /// Record what all steps choose from now on; an earlier trace is forgotten.
        case startTrace = 2
        case stopTrace = 3
    }

    public var action: Action

    public init(action: Action = .look) {
        self.action = action
    }
}

/// What was counted, at one moment.
public struct ProfileOverview: Equatable, Sendable {
    /// What was counted for one task.
    public struct Task: Equatable, Sendable {
        public var name: String
        public var rowCount: Double

        public init(name: String, rowCount: Double) {
            self.name = name
            self.rowCount = rowCount
        }
    }

    /// The trace that is or was recorded.
    public struct Trace: Equatable, Sendable {
        public var pieceCount = 0
        public var stepCount: UInt64 = 0
        public var rowCount: UInt64 = 0
        public var byteCount: UInt64 = 0
        /// A trace takes no more than this.
        public var byteLimit: UInt64 = 0
        public var isRecording = false
        /// Whether it has reached its limit and ends there.
        public var isFull = false

        public init() {}
    }

    /// Why nothing is counted; empty where rows are.
    public var obstacle: String
    /// Of all tasks, older ones weighing less.
    public var rowCount: Double
    public var topK: Int
    /// Of each layer, 0 for one without experts.
    public var expertCounts: [Int]
    public var tasks: [Task]
    public var sampleCount: Int
    public var trace: Trace

    public init(
        obstacle: String = "",
        rowCount: Double,
        topK: Int,
        expertCounts: [Int],
        tasks: [Task] = [],
        sampleCount: Int = 0,
        trace: Trace = Trace()
    ) {
        self.obstacle = obstacle
        self.rowCount = rowCount
        self.topK = topK
        self.expertCounts = expertCounts
        self.tasks = tasks
        self.sampleCount = sampleCount
        self.trace = trace
    }
}

/// Asks for a part of what the last overview was about.
public struct GetProfilePart: Equatable, Sendable {
    public enum Kind: UInt32, CaseIterable, Sendable {
        /// A layer's counts.
        case layer = 1
        /// A sampled step, the oldest first.
        case sample = 2
        /// A piece of the trace.
        case trace = 3
    }

    public var kind: Kind
    public var index: Int
    /// Whose counts; nil for all.
    public var task: String?

    public init(kind: Kind, index: Int, task: String? = nil) {
        self.kind = kind
        self.index = index
        self.task = task
    }
}

/// The counts of one layer.
public struct ProfileLayer: Equatable, Sendable {
    public var counts: LayerCounts

    public init(counts: LayerCounts) {
        self.counts = counts
    }
}

/// What the routers chose in some steps.
public struct ProfileSteps: Equatable, Sendable {
    public var steps: RecordedSteps

    public init(steps: RecordedSteps) {
        self.steps = steps
    }
}
