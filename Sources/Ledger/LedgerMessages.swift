/// What the loop thread asks of the ledger.
public enum LedgerCommand: Sendable {
    /// Answered by `recorded`, `known` or `refused`.
    case record(LedgerJob)
    /// Tokens of a job under way, the first at this index of its answer; not answered.
    case append(JobID, from: Int, [Int32])
    /// Answered by `ended`, when it can be written.
    case end(JobID, LedgerEnding)
    /// Answered by `unfinished`, where the ledger works: jobs of former lives, after this one.
    case resume(after: JobID?)
    /// Answered by `found`, with the same number.
    case find(JobID, question: UInt64)
    /// Answered by `owner`, with the same number: which job a ticket names.
    case owner(ticket: String, question: UInt64)
    /// Answered by `list`, with the same number: the latest.
    case list(count: Int, question: UInt64)
    /// Writes what it can, then ends.
    case stop

    /// Commands that may wait: a full queue of jobs, and tokens for all that run.
    public static let queueLimit = 1 << 15
}

/// What the ledger answers.
public enum LedgerReport: Equatable, Sendable {
    /// Whether it works; told at start and at each change.
    case health(LedgerError?)
    /// On disk: the job may be acknowledged.
    case recorded(JobID)
    /// Not recorded, because the ticket names another job already.
    case known(JobID, as: JobID)
    case refused(JobID, LedgerError)
    /// On disk: the end may be told.
    case ended(JobID)
    /// None where there are no more.
    case unfinished([LedgerJob])
    case found(LedgerEntry?, question: UInt64)
    /// Nil where the ticket names none.
    case owner(JobID?, question: UInt64)
    case list([LedgerEntry], question: UInt64)
    /// It has nothing to say to a question, because it does not work.
    case unanswered(LedgerError, question: UInt64)
}
