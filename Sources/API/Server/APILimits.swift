package import Settings

/// Bounds of requests; what the coordinator takes has bounds of its own.
package struct APILimits: Sendable {
    /// Bytes of a body.
    package var bodyByteCount = 4 << 20
    /// How long a body may take to arrive.
    package var bodyTime = Duration.seconds(30)
    /// Jobs that are computed together.
    package var slotCount = 8
    /// Jobs under way of one key; nil for no limit.
    package var jobsPerKey: Int?
    /// Answers that one request may ask for: prompts times `n`.
    package var choiceCount = 128
    /// A connection that says nothing, or does not end its header, is closed after this.
    package var idleTime = Duration.seconds(60)
    /// How long the rest of an answer may take to be read once its jobs have ended.
    package var readTime = Duration.seconds(300)
    /// Between two signs of life of a stream in which nothing happens.
    package var pingTime = Duration.seconds(15)

    package init() {}

    package init(_ settings: CoordinatorSettings) {
        bodyByteCount = settings.http.bodyByteCount
        jobsPerKey = settings.http.jobsPerKey == 0 ? nil : settings.http.jobsPerKey
        slotCount = settings.runningJobCount
    }
}
