import Cluster
package import Generation
package import Ledger
package import Messaging
package import Model
package import Placement
package import Wire

/// What other threads ask of the step thread.
package enum StepCommand: Sendable {
    /// `task` is whose rows the job's count as.
    case generate(JobID, GenerationRequest, task: String?)
    case cancel(JobID)
    case evaluate(EvaluationJob)
    case profile(GetProfile.Action, for: Peer)
    case topology(TopologyChange)
    case stop

    /// Commands that may wait: a full queue of jobs and its cancellations.
    package static let queueLimit = 1 << 17
}

/// A change in who computes experts.
package enum TopologyChange: Sendable {
    /// Another plan, or others of its workers serve.
    case changed(Topology)
    /// Some experts are held by nobody who serves; `reason` names workers and says why.
    case unready(reason: String)
    /// A worker is gone. Shares under way to it will not be answered.
    case lost(WorkerName, reason: String)
}

/// A plan and where its workers can be reached.
package struct Topology: Equatable, Sendable {
    package let plan: Plan
    /// Routing ids on the data socket, in the order of the plan's workers; nil for one that does
    /// not serve.
    package let peers: [Peer?]
    /// Whether hints are of use to them, in the same order.
    package let takesHints: [Bool]
    /// How they give accuracy for speed, in the same order; nil for those that do not.
    package let lossy: [LossyKind?]

    /// Whether it is of use to say what coming work will ask for, in the same order.
    var takesOutlooks: [Bool] {
        peers.indices.map { worker in
            peers[worker] != nil
                && OutlookNews.isOfUse(takesHints: takesHints[worker], lossy: lossy[worker])
        }
    }

    /// Where its workers were reached last, as far as they are among those that are known.
    func knownPeers(of workers: [WorkerName], _ peers: [Peer]) -> [Peer] {
        let known = zip(workers, peers)
        return plan.workers.map { name in
            known.first { $0.0 == name }?.1 ?? Self.nobody(called: name)
        }
    }

    /// Rows of a step at most: so many as all of them have memory for.
    var mostRows: Int {
        // Lossy workers have budgets, too, and some of them no use for hints.
        let haveBudgets = takesHints.contains(true) || lossy.contains { $0 != nil }
        return haveBudgets ? WireLimits.budgetedRowCount : .max
    }

    /// Where a worker would be reached that has never served.
    private static func nobody(called name: WorkerName) -> Peer {
        Peer(WorkerLife(name: name, incarnation: .unnumbered).routingID)
    }
}

/// Tokens to compute for their logits.
package struct EvaluationJob: Sendable {
    let client: Peer
    let tag: UInt64
    let tokens: [Int32]
    /// Largest logits to return per position.
    let top: Int
    /// First position whose next token is scored, nil for none.
    let scoreFrom: Int?
}

/// The step thread's mailbox, sorted: a step in flight looks at topology changes at once and
/// leaves commands for between steps.
final class StepInbox {
    private let mailbox: Mailbox<StepCommand>
    private var commands: [StepCommand] = []
    private var changes: [TopologyChange] = []
    /// Whether the coordinator wants to stop: a step in flight ends early.
    private(set) var isStopRequested = false

    var waker: Waker { mailbox.waker }

    init(_ mailbox: Mailbox<StepCommand>) { self.mailbox = mailbox }

    /// Whether something was sorted and not taken.
    ///
    /// Its wake-up is spent, so whoever waits for it must not sleep.
    var holdsSomething: Bool { !commands.isEmpty || !changes.isEmpty }

    func takeCommands() -> [StepCommand] {
        sort()
        defer { commands = [] }
        return commands
    }

    func takeChanges() -> [TopologyChange] {
        sort()
        defer { changes = [] }
        return changes
    }

    private func sort() {
        for command in mailbox.takeAll() {
            if case .topology(let change) = command {
                changes.append(change)
            } else {
                if case .stop = command { isStopRequested = true }
                commands.append(command)
            }
        }
    }
}
