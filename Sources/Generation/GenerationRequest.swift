public import Inference
public import Model

/// What to generate: a tokenised prompt and how to continue it.
public struct GenerationRequest: Equatable, Sendable {
    public var prompt: [Int32]
    /// Tokens to make at most; nil fills the context.
    public var maximumTokens: Int?
    public var sampling: Sampling
    /// Generation ends before any of these texts.
    public var stopTexts: [String]
    /// The beginning of the answer, made before and interrupted: generation goes on after it as if
    /// it had never stopped, as long as the sampling has a seed.
    public var resumed: [Int32]
    /// What the answer must be: where it is JSON, only tokens are chosen that keep it the beginning
    /// of that, and it ends when the object does.
    public var form: AnswerForm
    /// Higher ones run before all others, and take their place where there is none.
    public var priority: Int
    /// How soon its first token should come; nil counts as ten minutes.
    ///
    /// Among those of one owner and priority, who wishes it soon and takes little time goes first.
    public var firstTokenTime: Duration?
    /// How soon each further token should come, on the mean; who would make others miss theirs is
    /// held back for a while.
    public var eachTokenTime: Duration?
    /// Whose answers its own is expected to be as long as.
    public var task: String
    /// Whose it is: owners take turns, and may be kept from using what others computed.
    public var owner: String

    public init(
        prompt: [Int32],
        maximumTokens: Int? = nil,
        sampling: Sampling = Sampling(),
        stopTexts: [String] = [],
        resumed: [Int32] = [],
        form: AnswerForm = .text,
        priority: Int = 0,
        firstTokenTime: Duration? = nil,
        eachTokenTime: Duration? = nil,
        task: String = "",
        owner: String = ""
    ) {
        self.prompt = prompt
        self.maximumTokens = maximumTokens
        self.sampling = sampling
        self.stopTexts = stopTexts
        self.resumed = resumed
        self.form = form
        self.priority = priority
        self.firstTokenTime = firstTokenTime
        self.eachTokenTime = eachTokenTime
        self.task = task
        self.owner = owner
    }
}

/// What happens to a request, in order: prefill, tokens, one end.
public enum GenerationEvent: Equatable, Sendable {
    /// So many prompt tokens are done.
    case prefill(done: Int, total: Int)
    /// What the model thought of the token that is told next; only where the sampling asks for it.
    case scores(TokenScores)
    /// A token was chosen; `text` is what it lets us print, always whole characters.
    case token(Int32, text: String)
    /// Text of tokens already told that was held back until now, or of those that a request
    /// began with.
    case text(String)
    case ended(GenerationResult)
}

/// How a request ended.
public struct GenerationResult: Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
        /// An end token or a stop text.
        case stop
        /// The token limit or the end of the context.
        case length
        case cancelled
        case failed(String)
    }

    public var reason: Reason
    public var tokens: [Int32]
    public var promptTokenCount: Int
    /// Of those, what needed no computing, because others had computed it.
    public var cachedTokenCount: Int
    public var prefillTime: Duration
    /// From the first generated token to the last.
    public var decodeTime: Duration
    /// In which precision its own rows used experts; nil where all were computed exactly, by those
    /// who do nothing else.
    public var expertUses: TierUses?

    public init(
        reason: Reason,
        tokens: [Int32],
        promptTokenCount: Int,
        cachedTokenCount: Int = 0,
        prefillTime: Duration,
        decodeTime: Duration,
        expertUses: TierUses? = nil
    ) {
        self.reason = reason
        self.tokens = tokens
        self.promptTokenCount = promptTokenCount
        self.cachedTokenCount = cachedTokenCount
        self.prefillTime = prefillTime
        self.decodeTime = decodeTime
        self.expertUses = expertUses
    }

    /// Prompt tokens that were computed, per second.
    public var prefillRate: Double {
        Self.rate(promptTokenCount - cachedTokenCount, prefillTime)
    }
    /// Generated tokens per second, after the first.
    public var decodeRate: Double { Self.rate(max(0, tokens.count - 1), decodeTime) }

    private static func rate(_ count: Int, _ time: Duration) -> Double {
        let seconds = time / .seconds(1)
        return seconds > 0 ? Double(count) / seconds : 0
    }

    /// The end of a request that was refused.
    public static func failedBeforeStart(
        _ message: String,
        _ request: GenerationRequest
    ) -> GenerationResult {
        GenerationResult(
            reason: .failed(message),
            tokens: [],
            promptTokenCount: request.prompt.count,
            prefillTime: .zero,
            decodeTime: .zero
        )
    }
}
