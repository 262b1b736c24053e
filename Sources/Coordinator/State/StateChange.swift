package import Placement

/// Something that the coordinator's next life must know.
package enum StateChange: Sendable {
    /// Workers are told of this epoch.
    case epoch(Epoch)
    /// A plan comes into force.
    case plan(Plan)
    /// Plans are to give these workers nothing.
    case drained(Set<WorkerName>)
    /// What became of plans, one JSON object per line: for people, nobody waits for it.
    case history(String)
}

extension StateDirectory {
    /// Writes a change; on disk before this returns, save for the history.
    package func save(_ change: StateChange) throws(CoordinatorError) {
        switch change {
        case .epoch(let epoch): try save(epoch)
        case .plan(let plan): try save(plan)
        case .drained(let names): try save(drained: names)
        case .history(let lines): try writeSoon(lines, to: PlanDiary.file)
        }
    }
}
