import Cluster
import Generation
import Ledger
import Logging

/// What the log says about jobs: a line when one is taken, a line when it ends.
struct JobStory {
    private let logger: Logger
    /// A client can be refused as often as it asks.
    private var refusals = ReportLimiter()

    init(_ logger: Logger) { self.logger = logger }

    func accepted(_ job: JobTable.Job) {
        var metadata: Logger.Metadata = [
            "job": "\(job.id)", "promptTokens": "\(job.promptTokenCount)",
        ]
        if let task = job.task { metadata["task"] = "\(task)" }
        logger.info("Job accepted", metadata: metadata)
    }

    /// - Parameter id: nil for a job that is not listed.
    mutating func refused(_ id: JobID?, _ reason: String, now: Instant) {
        guard let heldBack = refusals.admit(now: now) else { return }
        var metadata: Logger.Metadata = ["reason": "\(reason)"]
        if let id { metadata["job"] = "\(id)" }
        if heldBack > 0 { metadata["heldBack"] = "\(heldBack)" }
        logger.info("Job refused", metadata: metadata)
    }

    func resumed(_ id: JobID, tokenCount: Int) {
        logger.info("Job resumed", metadata: ["job": "\(id)", "tokens": "\(tokenCount)"])
    }

    /// Whether jobs can be recorded.
    func ledger(_ trouble: LedgerError?) {
        guard let trouble else { return logger.info("Job ledger in order") }
        logger.error("Job ledger out of order", metadata: ["reason": "\(trouble)"])
    }

    func ended(_ id: JobID, _ result: GenerationResult) {
        var metadata: Logger.Metadata = ["job": "\(id)", "tokens": "\(result.tokens.count)"]
        if result.prefillTime > .zero { metadata["promptTime"] = Self.value(result.prefillTime) }
        if result.decodeTime > .zero { metadata["answerTime"] = Self.value(result.decodeTime) }
        switch result.reason {
        case .stop:
            metadata["reason"] = "the text is complete"
            logger.info("Job ended", metadata: metadata)
        case .length:
            metadata["reason"] = "the limit of tokens"
            logger.info("Job ended", metadata: metadata)
        case .cancelled:
            logger.info("Job cancelled", metadata: metadata)
        case .failed(let message):
            metadata["reason"] = "\(message)"
            logger.warning("Job failed", metadata: metadata)
        }
    }

    private static func value(_ time: Duration) -> Logger.MetadataValue {
        let milliseconds = time / .milliseconds(1)
        func tenths(_ number: Double) -> Double { (number * 10).rounded() / 10 }
        guard milliseconds >= 1000 else { return "\(tenths(milliseconds)) ms" }
        return "\(tenths(milliseconds / 1000)) s"
    }
}
