/// Decides when a cluster that serves looks for a better plan by itself.
///
/// A search begins once the measured imbalance has stayed above the threshold for a while. After
/// it, whatever came of it, the next one waits: for the pause, and until the imbalance was clearly
/// below the threshold once, or the plan has changed, or ten pauses have passed. So a cluster that
/// cannot be balanced better does not search all the time.
public struct RebalanceWatch: Equatable, Sendable {
    public struct Limits: Hashable, Sendable {
        /// Busiest worker over the mean from which on a search is worth it; nil never searches.
        public var threshold: Double?
        /// Between two searches at least.
        public var pause = Duration.seconds(600)
        /// How long the threshold has to be exceeded.
        public var patience = Duration.seconds(30)
        /// Reasons of failures that are told apart.
        public var reasons = 8

        public init() {}
    }

    /// What came of a search.
    public enum Outcome: Equatable, Sendable {
        /// - Parameter stepRatio: a step's time under the new plan over that under the old one, as
        ///   was predicted; nil where nobody said.
        case changed(byteCount: UInt64, stepRatio: Double?)
        /// No plan was better.
        case kept
        case failed(reason: String)
    }

    public let limits: Limits
    /// Searches so far, by what came of them.
    public private(set) var report = RebalanceReport()
    private var highSince: Instant?
    private var lastStart: Instant?
    private var lastEnd: Instant?
    /// Whether the imbalance that led to the last search is over.
    private var isArmed = true

    /// Of what exceeds 1, as much must be gone for an imbalance to be over.
    private static let relief = 0.75
    /// After so many pauses, it is tried again anyway.
    private static let longPauses = 10

    public init(limits: Limits = Limits()) { self.limits = limits }

    /// - Parameter imbalance: as measured; nil where nothing was lately.
    /// - Returns: whether a search is to begin now.
    public mutating func tick(imbalance: Double?, now: Instant) -> Bool {
        guard let threshold = limits.threshold, !report.isRunning else { return false }
        guard let imbalance, imbalance >= threshold else {
            highSince = nil
            if let imbalance, imbalance < 1 + Self.relief * (threshold - 1) { isArmed = true }
            return false
        }
        let since = highSince ?? now
        highSince = since
        guard now - since >= limits.patience, isRested(now) else { return false }
        highSince = nil
        isArmed = false
        report.isRunning = true
        lastStart = now
        return true
    }

    private func isRested(_ now: Instant) -> Bool {
        guard let lastEnd else { return true }
        let rest = now - lastEnd
        return rest >= limits.pause * (isArmed ? 1 : Self.longPauses)
    }

    public mutating func onEnd(_ outcome: Outcome, now: Instant) {
        report.isRunning = false
        if let lastStart { report.time += now - lastStart }
        lastEnd = now
        switch outcome {
        case .changed(let byteCount, let stepRatio):
            report.changedCount += 1
            report.movedByteCount += byteCount
            report.stepRatio = stepRatio
            report.lastChange = now
            isArmed = true
        case .kept: report.keptCount += 1
        case .failed(let reason): fail(reason)
        }
    }

    private mutating func fail(_ reason: String) {
        if let index = report.failures.firstIndex(where: { $0.reason == reason }) {
            report.failures[index].count += 1
        } else if report.failures.count < limits.reasons {
            report.failures.append(RebalanceReport.Failure(reason: reason, count: 1))
        } else {
            report.failures[report.failures.count - 1].count += 1
        }
    }
}

/// What came of the searches for better plans since the coordinator started.
public struct RebalanceReport: Equatable, Sendable {
    public struct Failure: Equatable, Sendable {
        public var reason: String
        public var count: Int

        public init(reason: String, count: Int) {
            self.reason = reason
            self.count = count
        }
    }

    public var isRunning = false
    public var changedCount = 0
    public var keptCount = 0
    public var movedByteCount: UInt64 = 0
    public var lastChange: Instant?
    /// What the last change was predicted to make of a step's time; nil where nobody said.
    public var stepRatio: Double?
    /// Of all searches, and of the changes that followed.
    public var time = Duration.zero
    /// The first reasons, each with how often it was so; the last one's count has later ones too.
    public var failures: [Failure] = []

    public init() {}
}
