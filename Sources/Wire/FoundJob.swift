/// Asks what is known of a job.
public struct FindJob: Equatable, Sendable {
    public var job: String
    /// Of a durable job that has not ended: wants to hear of it from here on, as its client does.
    public var follows: Bool

    public init(job: String, follows: Bool = false) {
        self.job = job
        self.follows = follows
    }
}

/// What is known of a job.
public struct JobFound: Equatable, Sendable {
    /// As it was asked for.
    public var name: String
    /// Nil where there is no such job.
    public var job: JobReport?
    /// Why nothing can be said of it; empty otherwise.
    public var trouble: String
    /// The answer so far.
    public var text: String
    /// Nil until it has ended.
    public var ended: Ended?

    public init(
        name: String,
        job: JobReport?,
        trouble: String = "",
        text: String = "",
        ended: Ended? = nil
    ) {
        self.name = name
        self.job = job
        self.trouble = trouble
        self.text = text
        self.ended = ended
    }
}
