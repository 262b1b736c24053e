import Cluster
import Logging
import Messaging
import Settings
import Synchronization
import Wire

/// How a coordinator and those who connect know each other.
package struct Access: Sendable {
    let pair: KeyPair
    let keys: AllowedKeys

    /// Nil where the settings name no keys: then only this machine can connect.
    init?(_ settings: CoordinatorKeySettings?, logger: Logger) throws(CoordinatorError) {
        guard let settings else { return nil }
        let path = settings.allowedPath
        do throws(KeyError) {
            pair = try KeyFile.readSecret(settings.keyPath)
            keys = try AllowedKeys(path: path, own: pair.publicKey) { failure in
                if let failure {
                    logger.error(
                        "The list of keys cannot be read; the one before stays in force",
                        metadata: ["reason": "\(failure)"]
                    )
                } else {
                    logger.notice("The list of keys was read anew", metadata: ["file": "\(path)"])
                }
            }
        } catch {
            throw .key(error)
        }
    }

    /// Begins to decide who may connect to sockets of a context.
    func keeper(
        of context: MessagingContext,
        logger: Logger
    ) throws(MessagingError) -> Doorkeeper {
        let story = RefusedConnections(logger)
        return try Doorkeeper(of: context, keys: keys) { story.tell($0) }
    }
}

// Keys are asked again with every message: one that was struck counts no more.
extension Access {
    /// Why a client's message is not acted on; nil where it is.
    func refusal(of message: ClientMessage, from sender: PublicKey?) -> String? {
        guard let owner = sender.flatMap(keys.entry), owner.role != .worker else {
            return "this key is not accepted any more"
        }
        guard message.needsAdmin, owner.role != .admin else { return nil }
        return "the key of '\(owner.name)' is a client's; this needs an admin's"
    }

    /// Whose jobs come with a key, apart from those of keys for HTTP.
    func owner(of sender: PublicKey?) -> String? {
        sender.flatMap(keys.entry).map { "key/\($0.name)" }
    }

    /// Why a worker's message is not acted on; nil where it is.
    func refusal(ofWorker sender: PublicKey?) -> String? {
        guard let owner = sender.flatMap(keys.entry), owner.role == .worker else {
            return "this worker's key is not accepted any more"
        }
        return nil
    }
}

extension ClientMessage {
    /// Whether it changes where experts are, or what is recorded.
    fileprivate var needsAdmin: Bool {
        switch self {
        case .changePlan, .drainNode: true
        case .getProfile(let wish): wish.action != .look
        default: false
        }
    }
}

/// Warnings about those who were not let in, a few per second.
private final class RefusedConnections: Sendable {
    private let logger: Logger
    private let clock = LoopClock()
    private let limiter = Mutex(ReportLimiter())

    init(_ logger: Logger) { self.logger = logger }

    func tell(_ refusal: Doorkeeper.Refusal) {
        guard let heldBack = limiter.withLock({ $0.admit(now: clock.now) }) else { return }
        logger.warning(
            "Connection refused",
            metadata: [
                "from": "\(refusal.address)", "socket": "\(refusal.door)",
                "key": "\(refusal.key.map { "\($0)".prefix(8) + "…" } ?? "none")",
                "reason": "\(refusal.reason)", "heldBack": "\(heldBack)",
            ]
        )
    }
}
