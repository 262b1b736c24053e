import Cluster
import Logging
import Messaging
import Placement
import Wire

/// What the log says about workers: each change once, by the names that operators know.
///
/// A worker that cannot load its experts asks for them again every few seconds; as long as it
/// fails for the same reason, that is told to whoever debugs only.
struct WorkerStory {
    private let logger: Logger
    private var warnings: PeerWarnings
    private var refusals = RefusalNews()
    private var failures = ReportLimiter()
    /// What was told last about each worker's experts; of workers in the plan, so bounded.
    private var told: [WorkerName: Told] = [:]

    private enum Told: Equatable {
        case loading(Epoch)
        case ready(Epoch)
        case failed(String)
    }

    init(_ logger: Logger) {
        self.logger = logger
        warnings = PeerWarnings(logger)
    }

    // MARK: Joining and leaving

    /// - Parameter epoch: of the plan in force, nil where there is none yet.
    mutating func joined(
        _ name: WorkerName,
        _ hello: Hello?,
        epoch: Epoch?
    ) {
        refusals.forget(name)
        // A new process has no number yet.
        let isBack = (hello?.incarnation ?? .unnumbered) != .unnumbered
        guard isBack else {
            told[name] = nil
            return logger.info("Worker joined", metadata: ["worker": "\(name)"])
        }
        let hasFailed = hasFailed(name)
        logger.log(
            level: hasFailed ? .debug : .info,
            "Worker back",
            metadata: ["worker": "\(name)", "experts": "\(hello?.heldExpertCount ?? 0)"]
        )
        guard !hasFailed else { return }
        // One that holds what it is about to be given does not load.
        let holds = epoch != nil && hello?.heldEpoch == epoch
        told[name] = holds ? epoch.map { .loading($0) } : nil
    }

    func lost(_ name: WorkerName, _ loss: Membership.Loss) {
        let metadata: Logger.Metadata = ["worker": "\(name)", "reason": "\(loss)"]
        switch loss {
        case .goodbye, .replaced: logger.notice("Worker left", metadata: metadata)
        case .silent, .unreachable, .overdue: logger.warning("Worker lost", metadata: metadata)
        }
    }

    /// It was only asleep, and has what it had.
    func returned(_ name: WorkerName) {
        logger.info("Worker back", metadata: ["worker": "\(name)"])
    }

    // MARK: Experts

    mutating func assigned(_ count: Int, of epoch: Epoch, to name: WorkerName) {
        let isNews = !hasFailed(name) && told[name] != .loading(epoch)
        if isNews { told[name] = .loading(epoch) }
        logger.log(
            level: isNews ? .info : .debug,
            "Worker loading",
            metadata: ["worker": "\(name)", "epoch": "\(epoch)", "experts": "\(count)"]
        )
    }

    mutating func loaded(_ epoch: Epoch, by name: WorkerName) {
        let isNews = told[name] != .ready(epoch)
        told[name] = .ready(epoch)
        logger.log(
            level: isNews ? .info : .debug,
            "Worker ready",
            metadata: ["worker": "\(name)", "epoch": "\(epoch)"]
        )
    }

    mutating func failed(_ failure: LoadFailed, of name: WorkerName, now: Instant) {
        let isNews = told[name] != .failed(failure.text) && failures.admit(now: now) != nil
        told[name] = .failed(failure.text)
        logger.log(
            level: isNews ? .error : .debug,
            "Worker cannot hold its experts",
            metadata: ["worker": "\(name)", "reason": "\(failure.text)"]
        )
    }

    private func hasFailed(_ name: WorkerName) -> Bool {
        guard case .failed = told[name] else { return false }
        return true
    }

    // MARK: Refusals

    /// A worker was not let in.
    mutating func refused(_ name: WorkerName, _ code: RefusalCode, _ text: String, now: Instant) {
        let metadata: Logger.Metadata = ["worker": "\(name)", "reason": "\(text)"]
        switch refusals.admit(code, of: name, now: now) {
        case nil: logger.debug("Worker refused", metadata: metadata)
        case .passing: logger.notice("Worker refused", metadata: metadata)
        case .lasting:
            warnings.tell("Worker refused", of: .worker(name), reason: text, now: now)
        }
    }

    /// A message was not acted on.
    mutating func warn(
        _ sentence: Logger.Message,
        of sender: PeerWarnings.Sender,
        reason: String,
        now: Instant
    ) {
        warnings.tell(sentence, of: sender, reason: reason, now: now)
    }
}
