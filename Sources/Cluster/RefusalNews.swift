public import Placement

/// Tells which refusals of workers are news, so that one that knocks every other second fills no
/// log.
///
/// A value: the caller passes `now`.
public struct RefusalNews: Equatable, Sendable {
    public enum News: Equatable, Sendable {
        /// May end by itself: a worker that is restarted finds its old life's name still taken.
        case passing
        /// Someone has to change a name, a file, a plan or a program.
        case lasting
    }

    /// What ends by itself has ended by then.
    public static let passingTime = Duration.seconds(10)
    /// A refusal that goes on is told again, because logs are looked at from their end.
    public static let repeatTime = Duration.seconds(600)
    /// Names may be made up by whoever connects.
    static let limit = 64

    private struct Entry: Equatable, Sendable {
        let name: WorkerName
        let code: RefusalCode
        var news: News
        var toldAt: Instant
    }

    /// Oldest first.
    private var entries: [Entry] = []

    public init() {}

    /// Decides about one refusal.
    ///
    /// - Returns: nil where it was told already, or is part of every restart.
    public mutating func admit(
        _ code: RefusalCode,
        of name: WorkerName,
        now: Instant
    ) -> News? {
        guard code != .helloExpected else { return nil }
        guard let index = entries.firstIndex(where: { $0.name == name && $0.code == code }) else {
            let news: News = code.isPermanent ? .lasting : .passing
            entries.append(Entry(name: name, code: code, news: news, toldAt: now))
            if entries.count > Self.limit { entries.removeFirst() }
            return news
        }
        let pause = entries[index].news == .passing ? Self.passingTime : Self.repeatTime
        guard now - entries[index].toldAt >= pause else { return nil }
        entries[index].news = .lasting
        entries[index].toldAt = now
        return .lasting
    }

    /// A worker that was welcomed: its next refusal is news.
    public mutating func forget(_ name: WorkerName) { entries.removeAll { $0.name == name } }
}
