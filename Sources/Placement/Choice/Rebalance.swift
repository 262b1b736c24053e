/// Which plan to change to, from what was counted while a cluster served.
///
/// Candidates are made from the older half of the sampled steps, and judged by the newer one.
public struct Rebalance: Sendable {
    /// What is known about a cluster.
    public struct Facts: Sendable {
        public var current: Plan
        public var profile: Profile
        /// Sampled steps, the oldest first.
        public var samples: RoutingTrace
        /// In the order of the current plan, with their memory.
        public var workers: [WorkerDescription]
        public var costs: CostModel
        public var sizes: ExpertSizes
        /// Bytes per second that all copies together may take.
        public var moveBandwidth: Double
        /// Whether plans may cut experts, with which answers agree only within rounding.
        public var mayCut = false

        public init(
            current: Plan,
            profile: Profile,
            samples: RoutingTrace,
            workers: [WorkerDescription],
            costs: CostModel,
            sizes: ExpertSizes,
            moveBandwidth: Double
        ) {
            self.current = current
            self.profile = profile
            self.samples = samples
            self.workers = workers
            self.costs = costs
            self.sizes = sizes
            self.moveBandwidth = moveBandwidth
        }
    }

    /// What candidates are made from.
    public let problem: PlacementProblem
    private let facts: Facts
    private let heldOut: RoutingTrace

    /// Fewer steps say too little.
    public static let leastSteps = 16
    /// Rows counted per row held out, from which on the held-out ones hardly matter to the counts.
    private static let enoughRows = 4.0

    public init(_ facts: Facts) throws(RebalanceError) {
        guard facts.samples.stepCount >= Self.leastSteps else {
            throw .tooFewSteps(facts.samples.stepCount, least: Self.leastSteps)
        }
        guard facts.current.workers == facts.workers.map(\.name) else {
            throw .unknownWorkers
        }
        self.facts = facts
        let (planning, heldOut) = facts.samples.halves
        self.heldOut = heldOut
        let isEnough = facts.profile.rows >= Self.enoughRows * Double(heldOut.rowCount)
        do throws(PlacementError) {
            problem = try PlacementProblem(
                profile: isEnough ? facts.profile : Profile(planning),
                workers: facts.workers,
                costs: facts.costs,
                expertByteCounts: facts.sizes.byteCounts,
                trace: planning
            )
        } catch {
            throw .problem(error)
        }
    }

    /// A plan of every kind.
    ///
    /// - Parameter seconds: to search for, roughly.
    public func candidates(
        seconds: Double,
        programs: (any IntegerProgramSolver)? = nil
    ) -> [(name: String, plan: Plan)] {
        var options = MoetunerOptions()
        options.limits.seconds = seconds / 2
        let effort = SolverEffort(seconds: seconds / 2)
        var plans = PlacementSolver.allCases.map { solver in
            let solution = solver.solve(
                problem,
                effort: effort,
                moetuner: options,
                programs: programs
            )
            return (name: solver.rawValue, plan: solution.plan)
        }
        let single = BalancedSolver(problem: problem, copies: false).solve().plan
        plans.append((name: "balanced without copies", plan: single))
        return plans + cutting(single)
    }

    /// Plans that cut all experts, or those that would keep everybody waiting.
    private func cutting(_ whole: Plan) -> [(name: String, plan: Plan)] {
        let usable = facts.workers.allSatisfy { $0.room != 0 }
        guard facts.mayCut, usable, facts.sizes.width % 32 == 0 else { return [] }
        let sharded = Plan.sharded(
            workers: facts.workers,
            expertCounts: problem.profile.expertCounts,
            expertWidth: facts.sizes.width,
            epoch: whole.epoch
        )
        // A step of the usual size, as the counts expect it.
        let steps = Double(max(1, problem.steps.stepCount))
        let rows = Double(problem.steps.rowCount) / steps / max(1, problem.profile.rows)
        let hybrid = whole.hybrid(
            rowCounts: problem.profile.layers.map { $0.activations.map { $0 * rows } },
            workers: facts.workers,
            costs: facts.costs,
            expertWidth: facts.sizes.width,
            epoch: whole.epoch
        )
        return [(name: "sharded", plan: sharded), (name: "hybrid", plan: hybrid)]
    }

    /// Replays the candidates and the current plan on the steps that were held out.
    ///
    /// - Parameter payback: within so much steady work a change has to pay for its copies.
    public func choose(
        among candidates: [(name: String, plan: Plan)],
        payback: Duration = .seconds(600)
    ) -> PlanChoice {
        var question = PlanChoice.Question(
            current: facts.current,
            candidates: candidates,
            heldOut: heldOut,
            workers: facts.workers,
            costs: facts.costs,
            sizes: facts.sizes,
            moveBandwidth: facts.moveBandwidth
        )
        question.payback = payback
        return PlanChoice(question)
    }
}

/// Why no other plan can be proposed.
public enum RebalanceError: Error, Hashable {
    case tooFewSteps(Int, least: Int)
    case unknownWorkers
    case problem(PlacementError)
}

extension RebalanceError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tooFewSteps(let count, let least):
            "\(count) steps were sampled, and plans need \(least) at least: let the cluster work "
                + "for a while"
        case .unknownWorkers:
            "the plan in force names workers that nothing is known about"
        case .problem(let error):
            "\(error)"
        }
    }
}
