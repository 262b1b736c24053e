public import Model
public import Placement

/// Why a change of plan cannot begin.
public enum MigrationError: Error, Hashable {
    case noPlanYet
    case notReady(String)
    /// Another one is under way.
    case busy(stage: Int, of: Int)
    case sameAsNow(Epoch)
    /// The plan gives experts to a worker that is to have none.
    case drained(WorkerName)
    case unknownWorker(WorkerName)
    /// Some of its experts fit nowhere else.
    case noRoom(WorkerName, ExpertID, others: Int, rooms: String)
    case impossible(PlanChangeError)
}

extension MigrationError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noPlanYet:
            "there is no plan to change yet: the cluster waits for its workers"
        case .notReady(let status):
            "the plan cannot be changed now: \(status)"
        case .busy(let stage, let count):
            "another change of plan is under way (stage \(stage) of \(count)); wait for its end"
        case .sameAsNow(let epoch):
            "the plan of epoch \(epoch), which is in force, places everything like that already"
        case .drained(let name):
            "the plan gives experts to worker '\(name)', which is drained: end that first with "
                + "'moiety admin undrain \(name)'"
        case .unknownWorker(let name):
            "the plan in force names no worker '\(name)'; 'moiety nodes' lists them"
        case .noRoom(let name, let expert, let others, let rooms):
            "worker '\(name)' cannot be drained: nobody else has memory for \(expert)"
                + (others > 0 ? " and \(others) more" : "") + "; free are \(rooms)"
        case .impossible(let error):
            "the plan cannot be reached: \(error)"
        }
    }
}
