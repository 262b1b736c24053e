public import Model

/// What workers are told to hold: the experts of a plan, or of several that follow each other.
///
/// While the plan changes, a worker holds what the next one gives it beside what steps still use.
/// Of an expert that the two cut differently these are two parts.
public struct Holding: Hashable, Sendable {
    /// What workers are told with it, and report when they hold it all.
    public let epoch: Epoch
    /// In the order in which they come into force.
    public let plans: [Plan]

    public init(epoch: Epoch, plans: [Plan]) {
        self.epoch = epoch
        self.plans = plans
    }

    /// Every worker that is given something, or might be: in the order of the plans, each once.
    public var workers: [WorkerName] {
        var seen: Set<WorkerName> = []
        return plans.flatMap(\.workers).filter { seen.insert($0).inserted }
    }

    public func names(_ worker: WorkerName) -> Bool {
        plans.contains { $0.index(of: worker) != nil }
    }

    /// Everything that a worker is to hold, by expert; of two parts, first the one of the earlier
    /// plan.
    public func slices(of worker: WorkerName) -> [ExpertSlice] {
        var seen: Set<ExpertSlice> = []
        let slices = plans.flatMap { plan in plan.index(of: worker).map(plan.slices) ?? [] }
            .filter { seen.insert($0).inserted }
        guard plans.count > 1 else { return slices }
        return slices.enumerated()
            .sorted { ($0.element.expert, $0.offset) < ($1.element.expert, $1.offset) }
            .map(\.element)
    }
}
