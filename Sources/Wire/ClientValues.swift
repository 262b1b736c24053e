public import Model
public import Placement

/// A client introduces itself.
public struct ClientHello: Equatable, Sendable {
    public var protocolVersion: UInt32
    public var build: String
    public var role: Role

    public init(
        protocolVersion: UInt32 = ProtocolVersion.current,
        build: String,
        role: Role = .client
    ) {
        self.protocolVersion = protocolVersion
        self.build = build
        self.role = role
    }
}

/// The coordinator takes a client in.
public struct ClientWelcome: Equatable, Sendable {
    public var protocolVersion: UInt32
    public var build: String
    public var modelName: String

    public init(
        protocolVersion: UInt32 = ProtocolVersion.current,
        build: String,
        modelName: String
    ) {
        self.protocolVersion = protocolVersion
        self.build = build
        self.modelName = modelName
    }
}

/// How tokens are chosen; names, meaning and defaults are llama-server's.
public struct SamplingRequest: Equatable, Sendable {
    public var temperature: Float
    public var topK: Int
    public var topP: Float
    public var minP: Float
    public var repeatPenalty: Float
    /// Tokens looked back at; -1 for the whole context.
    public var repeatLastN: Int
    public var presencePenalty: Float
    public var frequencyPenalty: Float
    /// Nil lets the coordinator choose.
    public var seed: UInt64?
    /// Added to the logits of tokens.
    public var logitBiases: [LogitBias] = []
    /// Tokens to make before the answer may end.
    public var minimumTokens = 0
    /// Whether end tokens are never chosen.
    public var ignoresEnd = false
    /// They end the answer besides the model's own.
    public var stopTokens: [Int32] = []
    /// Whether presence and frequency penalties look at the answer only.
    public var penalizesAnswerOnly = false

    public init(
        temperature: Float = 0.8,
        topK: Int = 40,
        topP: Float = 0.95,
        minP: Float = 0.05,
        repeatPenalty: Float = 1,
        repeatLastN: Int = 64,
        presencePenalty: Float = 0,
        frequencyPenalty: Float = 0,
        seed: UInt64? = nil
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.repeatPenalty = repeatPenalty
        self.repeatLastN = repeatLastN
        self.presencePenalty = presencePenalty
        self.frequencyPenalty = frequencyPenalty
        self.seed = seed
    }
}

/// What is added to the logit of one token.
public struct LogitBias: Equatable, Sendable {
    public var token: Int32
    public var bias: Float

    public init(token: Int32, bias: Float) {
        self.token = token
        self.bias = bias
    }
}

/// Asks for a job.
public struct Submit: Equatable, Sendable {
    /// The client's own number for this request; `Accepted` repeats it.
    public var tag: UInt64
    public var prompt: String
    public var maximumTokens: Int
    public var sampling: SamplingRequest
    /// What the job is for, as profiles tell tasks apart.
    public var task: String?
    /// The answer ends before the first of these.
    public var stopTexts: [String]
    /// Whether a chat template made the prompt: special tokens spelled in it are those tokens.
    public var isChat = false
    /// Whether the answer must be one JSON object.
    public var mustBeObject = false
    /// Recorded on disk before it is accepted; goes on when its client is gone, and after a restart
    /// of the coordinator.
    public var isDurable: Bool
    /// Of the client's making, for durable jobs: who submits twice with one gets the same job.
    public var ticket: String?
    /// Higher ones run before all others; within `priorities`.
    public var priority: Int
    /// How soon the answer should come.
    public var objective = ServiceObjective()

    /// What `priority` may be.
    public static let priorities = -10...10

    public init(
        tag: UInt64,
        prompt: String,
        maximumTokens: Int,
        sampling: SamplingRequest = SamplingRequest(),
        task: String? = nil,
        stopTexts: [String] = [],
        isDurable: Bool = false,
        ticket: String? = nil,
        priority: Int = 0
    ) {
        self.tag = tag
        self.prompt = prompt
        self.maximumTokens = maximumTokens
        self.sampling = sampling
        self.task = task
        self.stopTexts = stopTexts
        self.isDurable = isDurable
        self.ticket = ticket
        self.priority = priority
    }
}

/// How soon the tokens of a job should come.
///
/// Nothing is promised, but whether it was kept is counted.
public struct ServiceObjective: Equatable, Sendable {
    /// From its arrival to its first token.
    public var firstToken: Duration?
    /// From one token to the next, on the mean.
    public var eachToken: Duration?

    public init(firstToken: Duration? = nil, eachToken: Duration? = nil) {
        self.firstToken = firstToken
        self.eachToken = eachToken
    }
}

/// A job is taken.
public struct Accepted: Equatable, Sendable {
    public var tag: UInt64
    /// The job's id from here on.
    public var job: String
    public var promptTokenCount: Int
    /// Whether it is on disk.
    public var isDurable: Bool

    public init(
        tag: UInt64,
        job: String,
        promptTokenCount: Int,
        isDurable: Bool = false
    ) {
        self.tag = tag
        self.job = job
        self.promptTokenCount = promptTokenCount
        self.isDurable = isDurable
    }
}

/// What was generated since the last message of its kind.
public struct GeneratedTokens: Equatable, Sendable {
    public var job: String
    public var tokens: [Int32]
    /// Whole characters only, so it may lag behind the tokens.
    public var text: String

    public init(
        job: String,
        tokens: [Int32],
        text: String
    ) {
        self.job = job
        self.tokens = tokens
        self.text = text
    }
}

/// How much of the prompt has been read.
public struct PromptProgress: Equatable, Sendable {
    public var job: String
    public var promptTokensDone: Int
    public var promptTokenCount: Int

    public init(
        job: String,
        promptTokensDone: Int,
        promptTokenCount: Int
    ) {
        self.job = job
        self.promptTokensDone = promptTokensDone
        self.promptTokenCount = promptTokenCount
    }
}

/// Rows of experts that one worker computed.
public struct WorkerRows: Equatable, Sendable {
    public var name: WorkerName
    public var rowCount: UInt64

    public init(name: WorkerName, rowCount: UInt64) {
        self.name = name
        self.rowCount = rowCount
    }
}

/// The last word on a job.
public struct Ended: Equatable, Sendable {
    public var job: String
    public var outcome: Outcome
    public var reason: EndReason
    /// What went wrong; empty otherwise.
    public var message: String
    /// All generated tokens.
    public var tokens: [Int32]
    public var promptTokenCount: Int
    /// Of those, what needed no computing, because it had been computed before.
    public var cachedTokenCount: Int
    public var prefillTime: Duration
    public var decodeTime: Duration
    /// For the job's steps.
    public var rowsPerWorker: [WorkerRows]
    /// Of a job that was refused for want of room: when to submit it again.
    public var retryAfter: Duration?
    /// In which precision the job's own rows used experts; nil where all were computed exactly, by
    /// workers that do nothing else.
    public var expertUses: TierUses?

    public init(
        job: String,
        outcome: Outcome,
        reason: EndReason,
        message: String,
        tokens: [Int32],
        promptTokenCount: Int,
        cachedTokenCount: Int = 0,
        prefillTime: Duration,
        decodeTime: Duration,
        rowsPerWorker: [WorkerRows],
        retryAfter: Duration? = nil,
        expertUses: TierUses? = nil
    ) {
        self.job = job
        self.outcome = outcome
        self.reason = reason
        self.message = message
        self.tokens = tokens
        self.promptTokenCount = promptTokenCount
        self.cachedTokenCount = cachedTokenCount
        self.prefillTime = prefillTime
        self.decodeTime = decodeTime
        self.rowsPerWorker = rowsPerWorker
        self.retryAfter = retryAfter
        self.expertUses = expertUses
    }
}

/// Asks for logits or scores of given tokens; nothing is generated.
public struct Evaluate: Equatable, Sendable {
    public var tag: UInt64
    /// Taken as given: nothing is put in front.
    public var tokens: [Int32]
    /// The number of largest logits wanted per position; 0 for none.
    public var top: Int
    /// Score `tokens[i + 1]` at every position `i` from this one on; nil for none.
    public var scoreFrom: Int?

    public init(
        tag: UInt64,
        tokens: [Int32],
        top: Int = 0,
        scoreFrom: Int? = nil
    ) {
        self.tag = tag
        self.tokens = tokens
        self.top = top
        self.scoreFrom = scoreFrom
    }
}

/// What the model says about given tokens.
public struct EvaluationReply: Equatable, Sendable {
    public var tag: UInt64
    /// `[positions]`, all of one length; empty where none were asked for.
    public var positions: [TopLogits]
    /// Log-probabilities, `[scored positions]`.
    public var scores: [Double]
    /// In which precision its rows used experts; nil where no worker that is lossy computed any.
    public var expertUses: TierUses?

    public init(
        tag: UInt64,
        positions: [TopLogits],
        scores: [Double],
        expertUses: TierUses? = nil
    ) {
        self.tag = tag
        self.positions = positions
        self.scores = scores
        self.expertUses = expertUses
    }
}

/// The largest logits of one position, largest first.
public struct TopLogits: Equatable, Sendable {
    public var ids: [Int32]
    public var logits: [Float]

    public init(ids: [Int32], logits: [Float]) {
        self.ids = ids
        self.logits = logits
    }
}

/// Why there is no evaluation.
public struct EvaluationFailed: Equatable, Sendable {
    public var tag: UInt64
    public var message: String

    public init(tag: UInt64, message: String) {
        self.tag = tag
        self.message = message
    }
}
