import Placement
import Wire

/// What `moiety admin rebalance` decides by.
struct ClusterFacts {
    var rebalance: Rebalance.Facts
    /// Busiest worker over the mean as measured, computing only; nil where nothing was.
    let measuredImbalance: Double?
    /// Whether prices were not measured but guessed.
    let isGuess: Bool
}

extension ClusterClient {
    func costs() throws -> ClusterCosts {
        let reply = try ask(.getCosts)
        guard case .clusterCosts(let costs) = reply else { throw unexpected(reply) }
        return costs
    }

    func currentPlan() throws -> Plan {
        let text = try planInForce().json
        guard !text.isEmpty else {
            throw CommandFailure(
                "there is no plan yet: the cluster waits for its workers",
                code: CommandFailure.unreachable
            )
        }
        do throws(PlanError) {
            return try Plan(json: Array(text.utf8))
        } catch {
            throw CommandFailure("the coordinator at \(endpoint) sent no plan: \(error)")
        }
    }

    /// - Parameters:
    ///   - workerBandwidth: bytes per second that a worker reads for copies.
    ///   - isMeasured: whether prices are those that were measured, or usual ones.
    func clusterFacts(workerBandwidth: Double, isMeasured: Bool) throws -> ClusterFacts {
        let overview = try profileOverview()
        let profile = try profile(of: nil, overview)
        let samples = try samples(overview)
        var costs = try costs()
        if !isMeasured { costs.forgetPrices() }
        let plan = try currentPlan()
        try check(plan, costs, samples)
        return ClusterFacts(
            rebalance: Rebalance.Facts(
                current: plan,
                profile: profile,
                samples: samples,
                workers: costs.workers(of: plan),
                costs: CostModel(costs),
                sizes: ExpertSizes(
                    byteCounts: costs.expertByteCounts,
                    width: costs.expertWidth
                ),
                moveBandwidth: workerBandwidth * Double(max(1, plan.workers.count))
            ),
            measuredImbalance: costs.imbalance,
            isGuess: costs.isGuess
        )
    }

    /// Whether what came together is about one model.
    private func check(_ plan: Plan, _ costs: ClusterCosts, _ samples: RoutingTrace) throws {
        guard plan.layers.map(\.count) == samples.expertCounts,
            costs.expertByteCounts.count == plan.layers.count, costs.expertWidth > 0
        else {
            throw CommandFailure("the coordinator at \(endpoint) sent figures that do not fit")
        }
    }
}

extension CostModel {
    fileprivate init(_ costs: ClusterCosts) {
        self.init()
        perExpert = .nanoseconds(Int64(min(costs.expertNanoseconds, 1e15)))
        perPair = .nanoseconds(Int64(min(costs.pairNanoseconds, 1e15)))
        rowByteCount = costs.rowByteCount
    }
}

extension ClusterCosts {
    /// Makes all workers equal, at the prices of the cost model.
    fileprivate mutating func forgetPrices() {
        let usual = CostModel()
        isGuess = true
        expertNanoseconds = usual.perExpert / .nanoseconds(1)
        pairNanoseconds = usual.perPair / .nanoseconds(1)
        for index in workers.indices {
            let worker = WorkerDescription(name: workers[index].name)
            workers[index].speed = worker.speed
            workers[index].bandwidth = worker.bandwidth
            workers[index].roundTrip = worker.roundTrip
        }
    }

    /// Of what a worker says it has, as much may be filled with experts.
    private static let memoryShare = 0.9
    /// By how much more than it holds, or than an even part, a worker may be given.
    private static let growth = 1.25

    /// In the order of the plan, with memory for what they hold and some copies.
    fileprivate func workers(of plan: Plan) -> [WorkerDescription] {
        let sizes = ExpertSizes(byteCounts: expertByteCounts, width: max(1, expertWidth))
        let held = plan.byteCounts(sizes)
        let even = zip(plan.layers, expertByteCounts).reduce(0) { sum, layer in
            sum + (layer.0.count + plan.workers.count - 1) / plan.workers.count * layer.1
        }
        return workers.enumerated().map { index, measured in
            var worker = WorkerDescription(name: measured.name)
            worker.speed = measured.speed
            worker.bandwidth = measured.bandwidth
            worker.roundTrip = measured.roundTrip
            guard !measured.isDrained else {
                worker.room = 0
                return worker
            }
            let now = index < held.count ? held[index] : 0
            let wanted = Int(Double(max(now, even)) * Self.growth)
            let memory = Double(measured.memoryByteCount) * Self.memoryShare
            let limit = memory > 0 ? Int(min(memory, 1e18)) : Int.max
            worker.room = min(wanted, max(now, limit))
            return worker
        }
    }
}
