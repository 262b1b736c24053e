package import Cluster
package import Ledger

/// What other threads tell the loop thread.
package enum LoopCommand: Sendable {
    case report(StepReport)
    case ledger(LedgerReport)
    /// A search for a better plan has ended.
    case searched(RebalanceWatch.Outcome)
    /// A change of the state is on disk, or could not be written.
    case saved(StateChange, CoordinatorError?)
    /// A client in this process wants jobs, all or none.
    case submit([JobOrder], LocalClient)
    /// It wants no more of them.
    case leave(LocalClient)
    case inspect(Reply<Inspection>)
    case stop

    /// Reports that may wait: a token for each of many sequences over a slow second.
    package static let queueLimit = 1 << 16
}
