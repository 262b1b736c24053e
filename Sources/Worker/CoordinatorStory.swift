import Cluster
import Logging
import Placement
import Wire

/// What a worker's log says about its coordinator and its experts: each change once.
struct CoordinatorStory {
    private let logger: Logger
    private let name: WorkerName
    private var standing = Standing.new
    private var refusals = RefusalNews()
    /// Why the experts could not be loaded the last time; the same reason is told once.
    private var failure: String?

    private enum Standing {
        /// Nobody has answered so far.
        case new
        case unanswered
        case joined
        /// It was told why; nothing more is until there is a welcome.
        case parted
    }

    init(_ logger: Logger, name: WorkerName) {
        self.logger = logger
        self.name = name
    }

    // MARK: The coordinator

    mutating func joined(_ welcome: Welcome) {
        // A worker whose load failed says hello again on the connection that it has.
        let isNews = standing != .joined
        standing = .joined
        refusals.forget(name)
        logger.log(
            level: isNews ? .info : .debug,
            "Joined the cluster",
            metadata: ["coordinator": "\(welcome.build)"]
        )
    }

    mutating func refused(_ code: RefusalCode, _ text: String, now: Instant) {
        switch code {
        case .helloExpected:
            guard standing == .joined else { return }
            standing = .parted
            logger.info("The coordinator does not know this worker yet, or no more; joining anew")
        case .shuttingDown:
            guard standing != .parted else { return }
            standing = .parted
            logger.notice("The coordinator stops; it is looked for until it is back")
        default:
            standing = .parted
            let metadata: Logger.Metadata = ["reason": "\(text)"]
            switch refusals.admit(code, of: name, now: now) {
            case nil: logger.debug("Refused by the coordinator", metadata: metadata)
            case .passing: logger.notice("Refused by the coordinator", metadata: metadata)
            case .lasting: logger.warning("Refused by the coordinator", metadata: metadata)
            }
        }
    }

    /// A new connection is opened.
    mutating func connecting() {
        guard standing == .joined else { return }
        standing = .parted
        logger.warning("Nothing heard of the coordinator; it is looked for until it is back")
    }

    /// A hello was in vain.
    mutating func unanswered(_ endpoint: String) {
        guard standing == .new else { return }
        standing = .unanswered
        logger.warning(
            "No coordinator answers; it is looked for until one does",
            metadata: ["coordinator": "\(endpoint)"]
        )
    }

    // MARK: Experts

    func loading(_ count: Int, of epoch: Epoch) {
        logger.log(
            level: failure == nil ? .info : .debug,
            "Loading experts",
            metadata: ["epoch": "\(epoch)", "experts": "\(count)"]
        )
    }

    mutating func loaded(_ count: Int, byteCount: Int, of epoch: Epoch) {
        failure = nil
        logger.info(
            "Experts loaded",
            metadata: ["epoch": "\(epoch)", "experts": "\(count)", "bytes": "\(byteCount)"]
        )
    }

    mutating func failed(_ reason: String) {
        defer { failure = reason }
        logger.log(
            level: reason == failure ? .debug : .error,
            "Experts not loaded",
            metadata: ["reason": "\(reason)"]
        )
    }
}
