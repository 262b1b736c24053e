import Cluster
import Foundation
package import Model
import Placement
package import Settings

/// The plan a life starts with, and the highest epoch that was ever used.
package struct StartingPlan {
    /// Nil where it is made once the workers are there.
    let plan: Plan?
    let lastEpoch: Epoch
    /// What became of plans in former lives.
    let diary: PlanDiary
    /// Workers that are to be given nothing.
    let drained: Set<WorkerName>

    /// Takes the plan that the settings name, else the last life's where it still fits.
    package init(
        model: ModelDescription,
        settings: CoordinatorSettings,
        state: StateDirectory
    ) throws(CoordinatorError) {
        diary = try PlanDiary(state)
        drained = try state.drained()
        let last = try state.plan()
        lastEpoch = max(last?.epoch ?? Epoch(rawValue: 0), try state.lastEpoch())
        guard let path = settings.planPath else {
            plan = last.flatMap { $0.fits(model, settings.expectedWorkers) ? $0 : nil }
            return
        }
        let given = try Self.read(path, for: model)
        if let last, last.workers == given.workers, last.layers == given.layers {
            plan = last
            return
        }
        // Epochs only grow, whatever the file says.
        let (next, overflow) = lastEpoch.rawValue.addingReportingOverflow(1)
        guard !overflow else {
            throw .state("the epoch of \(state.url.path)/plan.json is the last there is; remove it")
        }
        let epoch = Epoch(rawValue: max(given.epoch.rawValue, next))
        let renumbered = Plan(epoch: epoch, workers: given.workers, layers: given.layers)
        try state.save(renumbered)
        plan = renumbered
    }

    private static func read(
        _ path: String,
        for model: ModelDescription
    ) throws(CoordinatorError) -> Plan {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw .unreadablePlan(path: path, reason: error.localizedDescription)
        }
        do throws(PlanError) {
            let plan = try Plan(json: Array(data))
            try plan.validate(expertCounts: model.expertCounts, expertWidth: model.expertWidth)
            return plan
        } catch {
            throw .plan(path: path, error)
        }
    }
}

extension Plan {
    /// Whether it places these experts on workers that the settings still expect.
    fileprivate func fits(_ model: ModelDescription, _ expected: Membership.Expected) -> Bool {
        do throws(PlanError) {
            try validate(expertCounts: model.expertCounts, expertWidth: model.expertWidth)
        } catch {
            return false
        }
        return switch expected {
        case .count(let count): workers.count == count
        case .names(let names): Set(names) == Set(workers)
        }
    }
}
