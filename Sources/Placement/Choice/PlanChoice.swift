/// Which plan to go to, and why: every candidate replayed on steps that it was not made from.
public struct PlanChoice: Sendable {
    /// The candidates, fastest first; those that cannot be reached come last.
    public let verdicts: [Verdict]
    /// What the current plan would do on the same steps.
    public let current: Forecast
    /// The plan to go to, one of `verdicts`; nil where the current one stays.
    public let chosen: Verdict?
    /// One sentence for people.
    public let reason: String
    /// Where fewer workers would be faster, a sentence that says which.
    public let advice: String?

    /// What a plan is expected to do.
    public struct Forecast: Hashable, Sendable {
        /// Of the experts of a step, the mean over the steps.
        public let stepTime: Duration
        /// Busiest worker over the mean: in the middle of all steps and layers, near the worst.
        public let medianImbalance: Double
        public let p99Imbalance: Double

        init(_ replay: Replay) {
            stepTime = .nanoseconds(Int64(replay.meanStepSeconds * 1e9))
            medianImbalance = replay.imbalance(at: 0.5)
            p99Imbalance = replay.imbalance(at: 0.99)
        }
    }

    /// One candidate.
    public struct Verdict: Sendable {
        public let name: String
        public let plan: Plan
        public let forecast: Forecast
        /// The way there; nil where there is none.
        public let change: PlanChange?
        /// How long the copies take at the bandwidth that they are given.
        public let moveTime: Duration
        /// Why it was not taken; nil for the chosen one.
        public let objection: String?
    }

    /// What has to be known to choose.
    public struct Question: Sendable {
        public var current: Plan
        public var candidates: [(name: String, plan: Plan)]
        /// Steps that no candidate was made from.
        public var heldOut: RoutingTrace
        /// All workers, in the order of the current plan.
        public var workers: [WorkerDescription]
        public var costs: CostModel
        public var sizes: ExpertSizes
        /// Bytes per second that all copies together may take.
        public var moveBandwidth: Double
        /// A change has to pay for its copies within this time of steady work.
        public var payback = Duration.seconds(600)
        /// Less is noise.
        public var leastGain = 0.02

        public init(
            current: Plan,
            candidates: [(name: String, plan: Plan)],
            heldOut: RoutingTrace,
            workers: [WorkerDescription],
            costs: CostModel,
            sizes: ExpertSizes,
            moveBandwidth: Double
        ) {
            self.current = current
            self.candidates = candidates
            self.heldOut = heldOut
            self.workers = workers
            self.costs = costs
            self.sizes = sizes
            self.moveBandwidth = moveBandwidth
        }
    }
}
