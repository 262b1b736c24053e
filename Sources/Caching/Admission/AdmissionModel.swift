/// What deciding about a waiting request needs to know of the machine.
public struct AdmissionModel: Hashable, Sendable {
    /// What loading the experts of a task takes; the paper's delta E.
    public var loading: Duration
    /// Computing and sending, per token; the paper's c.
    public var perToken: Duration
    /// Tokens of prompts that run together at most; the paper's T_max.
    public var tokenLimit: Int

    public init(loading: Duration, perToken: Duration, tokenLimit: Int) {
        self.loading = loading
        self.perToken = perToken
        self.tokenLimit = tokenLimit
    }
}

/// A request that runs.
public struct RunningRequest: Hashable, Sendable {
    public let id: Int
    public let inputTokens: Int
    /// How long it may take.
    public let objective: Duration
    /// Since it came.
    public var elapsed: Duration
    /// Tokens that its answer is expected to have still; the paper's G_i.
    public private(set) var remainingTokens: Double
    /// What was expected at first: the mean of its task.
    private let expectedTokens: Double

    public init(
        id: Int,
        inputTokens: Int,
        expectedTokens: Double,
        objective: Duration,
        elapsed: Duration = .zero
    ) {
        self.id = id
        self.inputTokens = inputTokens
        self.expectedTokens = expectedTokens
        self.objective = objective
        self.elapsed = elapsed
        remainingTokens = expectedTokens
    }

    /// A token of its answer was made, and the answer goes on.
    ///
    /// Who has outlived the expectation is expected to go on a little.
    public mutating func step() {
        remainingTokens -= 1
        if remainingTokens <= 0 { remainingTokens = expectedTokens * Self.afterglow }
    }

    /// The part of the first expectation that is expected after it.
    private static let afterglow = 0.05
}

/// A request that waits to be let in.
public struct WaitingRequest: Hashable, Sendable {
    public let id: Int
    public let inputTokens: Int
    /// Tokens that its answer is expected to have: the mean of its task.
    public let expectedTokens: Double
    /// How long it may take.
    public let objective: Duration
    /// Since it came.
    public let waited: Duration

    public init(
        id: Int,
        inputTokens: Int,
        expectedTokens: Double,
        objective: Duration,
        waited: Duration = .zero
    ) {
        self.id = id
        self.inputTokens = inputTokens
        self.expectedTokens = expectedTokens
        self.objective = objective
        self.waited = waited
    }
}
