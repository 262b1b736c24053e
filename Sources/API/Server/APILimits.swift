import Settings

/// Bounds of requests; what the coordinator takes has bounds of its own.
struct APILimits: Sendable {
    /// Bytes of a body.
    var bodyByteCount = 4 << 20
    /// How long a body may take to arrive.
    var bodyTime = Duration.seconds(30)
    /// Jobs under way of one key; nil for no limit.
    var jobsPerKey: Int?
    /// Answers that one request may ask for: prompts times `n`.
    var choiceCount = 128
    /// Between two signs of life of a stream in which nothing happens.
    var pingTime = Duration.seconds(15)

    init() {}

    init(_ settings: HTTPSettings) {
        bodyByteCount = settings.bodyByteCount
        jobsPerKey = settings.jobsPerKey == 0 ? nil : settings.jobsPerKey
    }
}
