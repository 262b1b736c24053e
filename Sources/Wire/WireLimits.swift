/// Bounds of what a message may hold, checked before anything is allocated for it.
public struct WireLimits: Equatable, Sendable {
    /// Bytes of an envelope.
    ///
    /// The largest holds a prompt or an assignment of all experts; reading one takes some twenty
    /// times its size for a moment.
    public var headerByteCount = 1 << 20
    /// Bytes of a text other than a prompt: names, builds, endpoints, messages to people.
    public var textByteCount = 16 << 10
    /// Rows of one share: more than a prefill chunk of a full batch.
    public var rowCount = 16 << 10
    /// Rows of one share to a worker with a memory budget, which is reckoned with that many; where
    /// one serves, steps have no more.
    public static let budgetedRowCount = 512
    /// Values per row; the widest models known have 16384.
    public var width = 64 << 10
    /// Pairs of one share: every row with 32 experts.
    public var pairCount = 512 << 10
    /// Experts of one hint: of many rows a layer needs nearly all anyway.
    public var hintedCount = 4096
    /// Experts of one outlook: all of a model as large as an assignment may have.
    public var outlookCount = 64 << 10
    /// Experts of one assignment: 128 layers of 512.
    public var expertCount = 64 << 10
    /// Tokens of one evaluation or answer, and its positions.
    public var tokenCount = 256 << 10
    /// Bytes of an answer as text.
    public var answerByteCount = 16 << 20
    /// Entries of a list: jobs, nodes, stop texts, workers.
    public var listCount = 4096
    /// Largest logits asked for per position.
    public var topCount = 1024
    /// Experts of a layer whose counts are sent, and layers.
    public var layerExpertCount = 4096
    public var layerCount = 1024
    /// Steps of one piece of a trace, and experts that they chose.
    public var stepCount = 1 << 20
    public var chosenCount = 32 << 20
    /// Bytes of one chunk of an expert: twice what a worker asks for, so that it may ask for more
    /// one day; far less than what a share may have.
    public var chunkByteCount = 1 << 20

    /// Bytes of a text for people; longer ones are cut off when sent.
    public static let messageByteCount = 4096

    public init() {}
}
