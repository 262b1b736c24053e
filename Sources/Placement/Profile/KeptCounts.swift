/// What a coordinator has counted, as its next life finds it.
///
/// Rows weigh what they weighed when it was written down. They fade by the rows that come after
/// them and not by time, so it does not matter how long nothing was counted in between.
public struct KeptCounts: Hashable, Sendable {
    /// What was counted for one task.
    public struct Task: Hashable, Sendable {
        /// Nil for rows that nobody has named a task for.
        public let name: String?
        /// `[layer]`, older ones weighing less.
        public let rows: [Double]
        /// `[layer]`.
        public let layers: [LayerCounts]
    }

    /// What whole steps chose, and from how many they were sampled.
    public struct Steps: Hashable, Sendable {
        /// One step each, the oldest first.
        public let samples: [RecordedSteps]
        /// Steps that were offered to the sample so far.
        public let stepCount: Int
        /// Rows of a step, on the mean.
        public let meanRows: Double

        public init(samples: [RecordedSteps], stepCount: Int, meanRows: Double) {
            self.samples = samples
            self.stepCount = stepCount
            self.meanRows = meanRows
        }
    }

    /// Experts of each layer; `[layer]`, 0 for a layer without experts.
    public let expertCounts: [Int]
    /// Experts that a router chooses per row.
    public let topK: Int
    /// Those without a name first, then in the order in which tasks came.
    public let tasks: [Task]
    public let steps: Steps

    public init(expertCounts: [Int], topK: Int, tasks: [Task], steps: Steps) {
        self.expertCounts = expertCounts
        self.topK = topK
        self.tasks = tasks
        self.steps = steps
    }

    /// Rows of all tasks, older ones weighing less.
    public var rows: Double {
        expertCounts.indices.map { layer in tasks.reduce(0) { $0 + $1.rows[layer] } }.max() ?? 0
    }
}

extension KeptCounts {
    /// How large a file of counts may be.
    public struct Limits: Hashable, Sendable {
        /// All tables that a `ProfileCounter` may have, its sampled steps, and names.
        public var fileByteCount = 384 << 20
        /// Of all tasks' tables.
        public var tableByteCount = ProfileCounter.Limits().byteCount
        /// With those that have no name, and the others together.
        public var tasks = 66

        public init() {}
    }
}
