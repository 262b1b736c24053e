/// Everything that a solver decides by; checked once, so that solvers need not.
public struct PlacementProblem: Sendable {
    public let profile: Profile
    public let workers: [WorkerDescription]
    public let costs: CostModel
    /// Bytes of one expert of each layer; `[layer]`, 1 where nobody said.
    public let expertByteCounts: [Int]
    /// Steps to plan by.
    public let steps: RoutingTrace
    /// Whether the steps were drawn from the profile's pairs, because nobody gave a trace.
    public let stepsAreDrawn: Bool
    /// Bytes for experts; `[worker]`.
    let rooms: [Int]
    /// How many experts of each layer each worker is to hold where nothing else decides;
    /// `[layer][worker]`.
    let quotas: [[Int]]

    /// - Parameters:
    ///   - trace: steps of the same model; nil draws some from the profile.
    ///   - rowsPerStep: of the steps that are drawn.
    /// - Throws: `PlacementError` where no plan is possible.
    public init(
        profile: Profile,
        workers: [WorkerDescription],
        costs: CostModel = CostModel(),
        expertByteCounts: [Int]? = nil,
        trace: RoutingTrace? = nil,
        rowsPerStep: Int = 8
    ) throws(PlacementError) {
        let byteCounts = expertByteCounts ?? profile.expertCounts.map { $0 > 0 ? 1 : 0 }
        try Self.check(workers: workers, profile: profile, byteCounts: byteCounts, trace: trace)
        self.profile = profile
        self.workers = workers
        self.costs = costs
        self.expertByteCounts = byteCounts
        steps = trace ?? profile.drawnSteps(rowsPerStep: max(1, rowsPerStep))
        stepsAreDrawn = trace == nil
        let even = zip(profile.expertCounts, byteCounts).reduce(0) { sum, layer in
            sum + (layer.0 + workers.count - 1) / workers.count * layer.1
        }
        rooms = workers.map { $0.room ?? even }
        quotas = try Quotas(
            expertCounts: profile.expertCounts,
            byteCounts: byteCounts,
            rooms: rooms,
            speeds: workers.map(\.speed)
        ).counts
    }

    private static func check(
        workers: [WorkerDescription],
        profile: Profile,
        byteCounts: [Int],
        trace: RoutingTrace?
    ) throws(PlacementError) {
        guard !workers.isEmpty else { throw .noWorkers }
        let limit = Plan.Limits().workers
        guard workers.count <= limit else {
            throw .tooMany(what: "workers", count: workers.count, limit: limit)
        }
        for worker in workers {
            guard worker.speed > 0, worker.speed.isFinite else {
                throw .badWorker(worker.name, reason: "its speed is \(worker.speed)")
            }
            guard worker.bandwidth > 0, worker.bandwidth.isFinite else {
                throw .badWorker(worker.name, reason: "its bandwidth is \(worker.bandwidth)")
            }
            guard (worker.room ?? 0) >= 0, worker.roundTrip >= .zero else {
                throw .badWorker(worker.name, reason: "its memory or round trip is negative")
            }
        }
        if let trace {
            guard trace.expertCounts == profile.expertCounts else {
                throw .otherModel(reason: "their layers or experts differ in number")
            }
            guard trace.topK == profile.topK else {
                throw .otherModel(reason: "top \(trace.topK) and top \(profile.topK)")
            }
        }
        precondition(byteCounts.count == profile.layers.count, "sizes of \(byteCounts.count)")
        // Real experts take gigabytes at most; sums of them must not overflow.
        guard byteCounts.allSatisfy({ (0...1 << 40).contains($0) }) else {
            throw .tooMany(what: "bytes of an expert", count: byteCounts.max() ?? 0, limit: 1 << 40)
        }
    }

    public var workerNames: [WorkerName] { workers.map(\.name) }

    /// A plan of whole experts from each one's worker; `[layer][expert]`.
    func plan(owners: [[Int]]) -> Plan {
        Plan(
            epoch: Epoch(rawValue: 1),
            workers: workerNames,
            layers: owners.map { $0.map(ExpertEntry.worker) }
        )
    }
}

/// A plan, and how good it is by its solver's own measure.
public struct PlacementSolution: Sendable {
    public let solver: String
    public let plan: Plan
    /// What the solver minimises; docs/PLACEMENT.md has the units.
    public let objective: Double
    /// No plan has a lower objective.
    public let lowerBound: Double
    /// What is worth knowing about how it came about, such as limits that struck.
    public let notes: [String]
    /// Gaps of the two integer programs; `moetuner` only.
    public let gaps: (ilp1: Double, ilp2: Double)?

    init(
        solver: String,
        plan: Plan,
        objective: Double,
        lowerBound: Double,
        notes: [String] = [],
        gaps: (ilp1: Double, ilp2: Double)? = nil
    ) {
        self.solver = solver
        self.plan = plan
        self.objective = objective
        self.lowerBound = min(lowerBound, objective)
        self.notes = notes
        self.gaps = gaps
    }

    /// By how much the objective may be above the best there is, as a share of it.
    public var gap: Double { Self.gap(objective, lowerBound) }

    /// Rounding of sums counts as nothing.
    static func gap(_ objective: Double, _ lowerBound: Double) -> Double {
        let difference = objective - lowerBound
        return difference <= 1e-12 * abs(objective) ? 0 : difference / objective
    }
}
