package import Generation

/// What a client in this process hears of the jobs that it asked for together.
///
/// First all are accepted, or all refused; then each has its events, and one end.
package enum JobNews: Sendable {
    /// The jobs' ids, in the order in which they were asked for.
    case accepted([String])
    case refused(JobRefusal)
    /// - Parameter choice: which of the jobs, from 0.
    case event(choice: Int, GenerationEvent)
    case ended(choice: Int, GenerationResult)
    /// Nothing happened: whoever asked to be woken now and then is.
    case pulse
}

/// A client in this process: where the loop thread says what becomes of its jobs.
///
/// Who does not listen is no reason to wait, or to keep everything: news beyond a limit end what
/// is said, and the jobs.
package final class LocalClient: Sendable {
    private let news: AsyncStream<JobNews>.Continuation

    /// News that may wait to be read: a long answer, token by token.
    private static let newsLimit = 4096

    /// - Parameter onLeave: told once nobody listens any more, while there may be news.
    /// - Returns: the client, and what it hears; that ends with the last news, or before it where
    ///   the coordinator ends or nobody read it.
    static func make(
        onLeave: @escaping @Sendable (LocalClient) -> Void
    ) -> (LocalClient, AsyncStream<JobNews>) {
        let (stream, news) = AsyncStream.makeStream(
            of: JobNews.self,
            bufferingPolicy: .bufferingOldest(newsLimit)
        )
        let client = LocalClient(news)
        news.onTermination = { [weak client] reason in
            if case .cancelled = reason, let client { onLeave(client) }
        }
        return (client, stream)
    }

    private init(_ news: AsyncStream<JobNews>.Continuation) { self.news = news }

    /// So that a coordinator that ends leaves nobody waiting.
    deinit { news.finish() }

    /// Says something; never waits.
    ///
    /// - Returns: false where nobody listens, or reads.
    func tell(_ something: JobNews) -> Bool {
        switch news.yield(something) {
        case .enqueued: return true
        case .dropped:
            news.finish()
            return false
        case .terminated: return false
        @unknown default: return false
        }
    }

    /// Nothing more will be said.
    func finish() { news.finish() }
}

/// Jobs that were asked for, for those who listen.
package struct JobsAsked: Sendable {
    private let pulse: @Sendable () -> Bool
    /// What becomes of them.
    package let news: AsyncStream<JobNews>

    init(client: LocalClient, news: AsyncStream<JobNews>) {
        // Whoever says what becomes of them keeps the client, not who listens.
        pulse = { [weak client] in client?.tell(.pulse) ?? false }
        self.news = news
    }

    /// Wakes who listens.
    ///
    /// - Returns: false where nothing will be said any more, maybe because nobody read it.
    package func wake() -> Bool { pulse() }
}
