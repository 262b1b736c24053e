/// What an engine counts of its memory for keys and values, and of who is let in.
public struct EngineFigures: Hashable, Sendable {
    /// Pages that there may be.
    public var pageLimit = 0
    /// Pages that requests hold, or that are kept for later ones.
    public var heldPageCount = 0
    /// Pages kept for later ones; some of them are in use too.
    public var keptPageCount = 0
    /// Tokens of prompts that were looked for among kept pages.
    public var soughtTokenCount = 0
    /// Of those, what needed no computing.
    public var foundTokenCount = 0
    /// Times that a request went back to wait, because there was no room for it.
    public var interruptionCount = 0
    /// Requests that had to wait so that others keep their objectives.
    public var heldBackCount = 0
    /// Tokens of answers that ended by themselves.
    public var answerTokenCount = 0
    /// By how many tokens those answers were longer or shorter than expected.
    public var answerErrorCount = 0
    /// What a step takes beside its rows, and what each of them takes, as it was measured lately.
    public var stepTime = Duration.zero
    public var rowTime = Duration.zero

    public init() {}
}

/// What is kept of requests for others that begin with the same tokens.
public struct PrefixLimits: Equatable, Sendable {
    /// Who may use what others computed.
    ///
    /// Whoever may can tell by the time it takes what they asked.
    public enum Sharing: Equatable, Sendable {
        case none
        /// Requests of one owner.
        case owners
        case all
    }

    public var sharing = Sharing.none
    /// Pages that may be kept; requests that need them get them all the same.
    public var pageCount = Int.max

    public init() {}

    public init(sharing: Sharing, pageCount: Int = .max) {
        self.sharing = sharing
        self.pageCount = pageCount
    }
}
