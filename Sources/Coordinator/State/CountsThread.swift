import Logging
import Messaging
import Placement
import Synchronization

/// What became of counts on their way from one life to the next.
package struct CountsFigures: Equatable, Sendable {
    /// Times that they were written, and that they could not be.
    package fileprivate(set) var written: UInt64 = 0
    package fileprivate(set) var unwritten: UInt64 = 0
    /// Files that a former life had left and that could not be used.
    package fileprivate(set) var unused: UInt64 = 0

    package init() {}
}

/// The thread that writes what was counted, so that neither steps nor plans wait for a disk.
struct CountsThread {
    private enum Command: Sendable {
        case write(ProfileReport)
        case stop
    }

    /// For the step thread.
    let keeping: CountsKeeping
    let figures: Latest<CountsFigures>
    private let inbox: Mailbox<Command>
    private let thread: NamedThread

    /// One that is written, the last of this life, and the end.
    private static let queueLimit = 4

    /// Reads what a former life has left, and starts the thread.
    init(
        _ file: CountsFile,
        interval: Duration,
        logger: Logger
    ) throws(MessagingError) {
        var figures = CountsFigures()
        let kept = Self.read(file, &figures, logger)
        let latest = Latest(figures)
        let inbox = try Mailbox<Command>(limit: Self.queueLimit)
        let busy = Busy()
        self.figures = latest
        self.inbox = inbox
        keeping = CountsKeeping(kept: kept, interval: interval) { report, isLast in
            // One set of tables at a time, however slow the disk is.
            guard busy.begin() || isLast else { return false }
            return inbox.post(.write(report))
        }
        thread = try NamedThread("moiety-counts") {
            let writer = CountsWriter(file, interval: interval, figures: latest, logger: logger)
            do throws(MessagingError) {
                try Self.run(writer, inbox: inbox, busy: busy)
            } catch {
                logger.warning("Counts are not written any more", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Waits until all that was to be written is.
    func stop() {
        _ = inbox.post(.stop)
        thread.join()
    }

    // MARK: Reading

    private static func read(
        _ file: CountsFile,
        _ figures: inout CountsFigures,
        _ logger: Logger
    ) -> KeptCounts? {
        do throws(CoordinatorError) {
            try file.removeRemains()
        } catch {
            logger.debug("Remains of counts stay", metadata: ["reason": "\(error)"])
        }
        switch file.read() {
        case .nothing: return nil
        case .counts(let kept):
            logger.info(
                "Counts of the last life found",
                metadata: [
                    "rows": "\(Int(min(kept.rows, 1e15)))",
                    "tasks": "\(kept.tasks.compactMap(\.name).joined(separator: ", "))",
                ]
            )
            return kept
        case .foreign(let reason):
            figures.unused += 1
            logger.notice(
                "Counts of the last life are not used: they are another model's",
                metadata: ["reason": "\(reason)"]
            )
            return nil
        case .unusable(let reason):
            figures.unused += 1
            logger.warning(
                "Counts of the last life are not used: counting begins anew",
                metadata: ["reason": "\(reason)"]
            )
            return nil
        }
    }

    // MARK: Writing

    private static func run(
        _ writer: CountsWriter,
        inbox: Mailbox<Command>,
        busy: Busy
    ) throws(MessagingError) {
        var poller = Poller()
        while true {
            _ = try poller.wait(for: [], or: inbox.waker, timeout: writer.retryPause)
            var isOver = false
            for command in inbox.takeAll() {
                switch command {
                case .write(let report): writer.take(report)
                case .stop: isOver = true
                }
            }
            writer.write()
            busy.end()
            guard !isOver else { return }
        }
    }
}

/// Writes what was counted, and what could not be written again and again.
///
/// Belongs to its thread.
private final class CountsWriter {
    private let file: CountsFile
    private let interval: Duration
    private let figures: Latest<CountsFigures>
    private let logger: Logger
    /// What no file has; what came later has all that came before.
    private var report: ProfileReport?
    private var story = WritingStory()

    init(
        _ file: CountsFile,
        interval: Duration,
        figures: Latest<CountsFigures>,
        logger: Logger
    ) {
        self.file = file
        self.interval = interval
        self.figures = figures
        self.logger = logger
    }

    func take(_ report: ProfileReport) { self.report = report }

    /// How long to wait before what could not be written is tried again; nil where all is written.
    var retryPause: Duration? { report == nil ? nil : interval }

    /// Writes what is not written yet; on disk before this returns, if it can be.
    func write() {
        guard let report else { return }
        var counts = figures.value
        var failure: String?
        do throws(CoordinatorError) {
            try file.write(report)
            self.report = nil
            counts.written += 1
        } catch {
            failure = "\(error)"
            counts.unwritten += 1
        }
        figures.replace(by: counts)
        switch story.onWrite(failure: failure) {
        case nil: break
        case .fails(let reason):
            logger.warning(
                "Counts cannot be written: the next life would not know them",
                metadata: ["reason": "\(reason)"]
            )
        case .works: logger.notice("Counts are written again")
        }
    }
}

/// What the log says of writes: the first of several that fail, and the first that works again.
package struct WritingStory: Equatable, Sendable {
    package enum News: Equatable, Sendable {
        case fails(String)
        case works
    }

    private var isFailing = false

    package init() {}

    /// - Parameter failure: nil where it worked.
    package mutating func onWrite(failure: String?) -> News? {
        let wasFailing = isFailing
        isFailing = failure != nil
        guard wasFailing != isFailing else { return nil }
        return failure.map { .fails($0) } ?? .works
    }
}

/// Whether counts are on their way to the disk.
private final class Busy: Sendable {
    private let flag = Atomic(false)

    /// - Returns: false where others are on their way already.
    func begin() -> Bool { !flag.exchange(true, ordering: .relaxed) }

    func end() { flag.store(false, ordering: .relaxed) }
}
