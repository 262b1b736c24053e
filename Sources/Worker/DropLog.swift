import Cluster
import Logging
import Messaging

/// Tells operators how much was dropped, when it was more than the last time.
struct DropLog {
    private let logger: Logger
    private var told = DropCounts()
    private var lastTime: Instant

    /// Single messages are told at once; the totals need no more than this.
    private static let pause = Duration.seconds(60)

    init(_ logger: Logger, now: Instant) {
        self.logger = logger
        lastTime = now
    }

    /// - Parameter drops: asked for only when it is time.
    mutating func tell(_ drops: @autoclosure () -> DropCounts, now: Instant, isLast: Bool) {
        guard isLast || now - lastTime >= Self.pause else { return }
        lastTime = now
        let drops = drops()
        guard drops != told else { return }
        told = drops
        logger.notice(
            "Not all that the coordinator sent was in order",
            metadata: ["dropped": "\(drops)"]
        )
    }
}

// MARK: - What a worker does not act on

extension ControlLoop {
    /// A few are told per second, all are counted.
    func drop(_ reason: DropCounts.Reason, _ sentence: Logger.Message, reason text: String) {
        ownDrops.count(reason)
        guard let heldBack = warnings.admit(now: clock.now) else { return }
        warn(sentence, ["reason": "\(text)"], heldBack: heldBack)
    }

    func tell(_ warning: StepWarning, heldBack: Int) {
        switch warning {
        case .refused(let code, let reason):
            warn("Share refused", ["code": "\(code)", "reason": "\(reason)"], heldBack: heldBack)
        case .malformed(let reason):
            warn(
                "Malformed message on the data socket",
                ["reason": "\(reason)"],
                heldBack: heldBack
            )
        case .unsent(let reason):
            warn("Answer not sent", ["reason": "\(reason)"], heldBack: heldBack)
        case .fallback(let reason):
            warn(
                "An expert is read from the model file, which is slow",
                ["reason": "\(reason)"],
                heldBack: heldBack
            )
        }
    }

    /// Messages of the coordinator's that were not acted on.
    var drops: DropCounts {
        var all = ownDrops
        all.add(figures.value.drops)
        all.add(UInt64(formerOversize + (socket?.droppedMessageCount ?? 0)), to: .oversize)
        return all
    }

    private func warn(_ sentence: Logger.Message, _ metadata: Logger.Metadata, heldBack: Int) {
        var metadata = metadata
        if heldBack > 0 { metadata["heldBack"] = "\(heldBack)" }
        logger.warning(sentence, metadata: metadata)
    }
}
