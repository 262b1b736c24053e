import Placement
import Terminal

/// What `moiety solve` prints.
struct SolveReport: Encodable {
    let solver: String
    let objective: Double
    let lowerBound: Double
    let gap: Double
    let seconds: Double
    let maxOverMeanLoad: [Double]
    let ilp1Gap: Double?
    let ilp2Gap: Double?
    let plan: PlanFile

    private let expertCounts: [Int]
    private let workerNames: [String]

    enum CodingKeys: String, CodingKey {
        case solver, objective, gap, seconds, plan
        case lowerBound = "lower_bound"
        case maxOverMeanLoad = "max_over_mean_load"
        case ilp1Gap = "ilp1_gap"
        case ilp2Gap = "ilp2_gap"
    }

    init(_ solution: PlacementSolution, problem: PlacementProblem, seconds: Double) {
        solver = solution.solver
        objective = solution.objective
        lowerBound = solution.lowerBound
        gap = solution.gap
        self.seconds = seconds
        maxOverMeanLoad = problem.maxOverMeanLoads(of: solution.plan)
        ilp1Gap = solution.gaps?.ilp1
        ilp2Gap = solution.gaps?.ilp2
        plan = PlanFile(plan: solution.plan)
        expertCounts = solution.plan.expertCounts
        workerNames = solution.plan.workers.map(\.rawValue)
    }

    var text: String {
        let loads = zip(plan.plan.layers, maxOverMeanLoad).filter { !$0.0.isEmpty }.map(\.1)
        let mean = loads.reduce(0, +) / Double(max(1, loads.count))
        var table = Table([("", .left), ("", .left)])
        table.add(["solver", solver])
        table.add(["objective", "\(objective)"])
        table.add(["lower bound", "\(lowerBound) (gap \(Format.fixed(100 * gap, digits: 2)) %)"])
        if let ilp1Gap, let ilp2Gap {
            let gaps = [ilp1Gap, ilp2Gap].map { Format.fixed(100 * $0, digits: 2) + " %" }
            table.add(["gap of ILP 1, ILP 2", gaps.joined(separator: ", ")])
        }
        table.add(["time", "\(Format.fixed(seconds, digits: 2)) s"])
        table.add([
            "busiest over mean load",
            "\(Format.fixed(mean, digits: 3)) in the mean of layers, "
                + "\(Format.fixed(loads.max() ?? 1, digits: 3)) at most",
        ])
        for (name, count) in zip(workerNames, expertCounts) {
            table.add(["worker \(name)", Format.count(count, "expert")])
        }
        return table.text
    }
}

/// A plan within a JSON object, in the form of a plan file.
struct PlanFile: Encodable {
    let plan: Plan

    private enum CodingKeys: CodingKey {
        case epoch, workers, layers
    }

    private struct Entry: Encodable {
        let entry: ExpertEntry

        private enum CodingKeys: CodingKey {
            case replicas, shards
        }

        func encode(to encoder: any Encoder) throws {
            switch entry {
            case .worker(let worker):
                var container = encoder.singleValueContainer()
                try container.encode(worker)
            case .replicas(let workers):
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encode(workers, forKey: .replicas)
            case .shards(let shards):
                var container = encoder.container(keyedBy: CodingKeys.self)
                let parts = shards.map { ["worker": $0.worker, "from": $0.from, "to": $0.to] }
                try container.encode(parts, forKey: .shards)
            }
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(plan.epoch.rawValue, forKey: .epoch)
        try container.encode(plan.workers.map(\.rawValue), forKey: .workers)
        try container.encode(plan.layers.map { $0.map(Entry.init) }, forKey: .layers)
    }
}
