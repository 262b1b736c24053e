import Cluster
import Logging
import Messaging

/// Warnings about what peers send, a few per second: a peer that floods us floods no log.
struct PeerWarnings {
    private let logger: Logger
    private var limiter = ReportLimiter()

    init(_ logger: Logger) { self.logger = logger }

    mutating func tell(
        _ sentence: Logger.Message,
        peer: Peer?,
        reason: String,
        now: Instant
    ) {
        guard let heldBack = limiter.admit(now: now) else { return }
        tell(sentence, peer: peer, reason: reason, heldBack: heldBack)
    }

    /// - Parameter heldBack: warnings before this one that were not told.
    func tell(_ sentence: Logger.Message, peer: Peer?, reason: String, heldBack: Int) {
        var metadata: Logger.Metadata = [
            "peer": "\(peer.map { "\($0)" } ?? "unknown")", "reason": "\(reason)",
        ]
        if heldBack > 0 { metadata["heldBack"] = "\(heldBack)" }
        logger.warning(sentence, metadata: metadata)
    }
}
