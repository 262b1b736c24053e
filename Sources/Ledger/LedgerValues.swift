/// A job as it is recorded before it is acknowledged.
public struct LedgerJob: Equatable, Sendable {
    public let id: JobID
    /// By what its client knows it: who asks twice with one gets the same job; nil for none.
    public var ticket: String?
    /// What it is for.
    public var task: String?
    /// Among whose jobs it counts; empty where nobody tells them apart.
    public var owner: String
    public var promptTokenCount: Int
    /// Seconds since 1970.
    public var submittedAt: UInt64
    /// Names the model that is to answer: no other may go on with the tokens made so far.
    public var model: String
    /// What was asked, in a form that the ledger does not look into.
    public var request: [UInt8]
    /// Made so far; a new job has none.
    public var tokens: [Int32]

    public init(
        id: JobID,
        ticket: String? = nil,
        task: String? = nil,
        owner: String = "",
        promptTokenCount: Int,
        submittedAt: UInt64,
        model: String,
        request: [UInt8],
        tokens: [Int32] = []
    ) {
        self.id = id
        self.ticket = ticket
        self.task = task
        self.owner = owner
        self.promptTokenCount = promptTokenCount
        self.submittedAt = submittedAt
        self.model = model
        self.request = request
        self.tokens = tokens
    }
}

/// How far a job is.
public enum LedgerState: Int, Sendable, CaseIterable {
    case queued = 0
    /// Some of its tokens are recorded.
    case running = 1
    case completed = 2
    case cancelled = 3
    case failed = 4

    public var isOver: Bool {
        switch self {
        case .queued, .running: false
        case .completed, .cancelled, .failed: true
        }
    }
}

/// How a job ended.
public struct LedgerEnding: Equatable, Sendable {
    /// One that is over.
    public var state: LedgerState
    public var tokenCount: Int
    /// What went wrong; empty otherwise.
    public var message: String
    /// The answer.
    public var text: String
    /// All that is to be told of the end, in a form that the ledger does not look into.
    public var report: [UInt8]

    public init(
        state: LedgerState,
        tokenCount: Int,
        message: String = "",
        text: String,
        report: [UInt8]
    ) {
        precondition(state.isOver, "a job does not end as \(state)")
        self.state = state
        self.tokenCount = tokenCount
        self.message = message
        self.text = text
        self.report = report
    }
}

/// What is known of one job.
public struct LedgerEntry: Equatable, Sendable {
    public var id: JobID
    public var state: LedgerState
    public var task: String?
    public var promptTokenCount: Int
    public var generatedTokenCount: Int
    /// Seconds since 1970.
    public var submittedAt: UInt64
    public var message: String
    /// The answer; empty in lists, and until the end.
    public var text = ""
    /// What `LedgerEnding` had; empty in lists, and until the end.
    public var report: [UInt8] = []
}
