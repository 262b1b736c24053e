import Cluster
import Logging
import Messaging
import Placement

/// Warnings about what peers send, a few per second: a peer that floods us floods no log.
struct PeerWarnings {
    /// Whom a warning names: a worker where one is known.
    enum Sender {
        case worker(WorkerName)
        case peer(Peer)
        case unknown

        /// A data connection calls itself after its worker.
        init(ofData peer: Peer?) {
            guard let peer else {
                self = .unknown
                return
            }
            let life = WorkerLife(routingID: String(decoding: peer.bytes, as: UTF8.self))
            self = life.map { .worker($0.name) } ?? .peer(peer)
        }
    }

    private let logger: Logger
    private var limiter = ReportLimiter()

    init(_ logger: Logger) { self.logger = logger }

    mutating func tell(
        _ sentence: Logger.Message,
        of sender: Sender,
        reason: String,
        now: Instant
    ) {
        guard let heldBack = limiter.admit(now: now) else { return }
        tell(sentence, of: sender, reason: reason, heldBack: heldBack)
    }

    /// - Parameter heldBack: warnings before this one that were not told.
    func tell(_ sentence: Logger.Message, of sender: Sender, reason: String, heldBack: Int) {
        var metadata: Logger.Metadata = ["reason": "\(reason)"]
        switch sender {
        case .worker(let name): metadata["worker"] = "\(name)"
        case .peer(let peer): metadata["from"] = "\(peer)"
        case .unknown: break
        }
        if heldBack > 0 { metadata["heldBack"] = "\(heldBack)" }
        logger.warning(sentence, metadata: metadata)
    }
}
