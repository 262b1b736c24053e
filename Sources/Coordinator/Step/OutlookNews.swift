package import Cluster
package import Model

/// Which workers are to be told what coming work is expected to use, and when.
///
/// Asked while nothing is computed. What the others were told stays true until rows were counted,
/// or the tasks of what has not ended are others.
package struct OutlookNews: Sendable {
    /// Whether it is of use to a worker that serves; `[worker]`.
    private var takers: [Bool] = []
    /// Whether a worker has still to hear it; `[worker]`.
    private var isUntold: [Bool] = []
    /// Whether rows were counted since experts were ranked.
    private var isStale = true
    /// The tasks that they were ranked for; nil before the first time.
    private var tasks: Set<String>?
    /// The most wanted first.
    package private(set) var experts: [ExpertID] = []
    /// Until when those are tried whose connection does not stand.
    private var deadline = Instant(nanoseconds: 0)

    /// A connection that was just announced may take this long to be there.
    package static let connectTime = Duration.seconds(10)
    /// Between two attempts.
    package static let pause = Duration.milliseconds(50)

    package init() {}

    /// Whether a worker loads while nothing is computed.
    ///
    /// - Parameter takesHints: whether it reads what layers to come are likely to choose.
    package static func isOfUse(takesHints: Bool, lossy: LossyKind?) -> Bool {
        switch lossy {
        case nil: takesHints
        case .resident: true
        case .hobbit: false
        }
    }

    /// Others serve: all of them are told, for some may have come who know nothing.
    ///
    /// - Parameter takers: whether it is of use to a worker that serves; in the order of the plan.
    package mutating func onWorkers(_ takers: [Bool], now: Instant) {
        self.takers = takers
        tellAll(now)
    }

    /// Rows are computed, and counted.
    package mutating func onStep() { isStale = true }

    /// Whether experts are to be ranked anew.
    ///
    /// - Parameter tasks: of all requests that have not ended.
    package func isDue(for tasks: Set<String>) -> Bool {
        takers.contains(true) && (isStale || tasks != self.tasks)
    }

    /// Takes a new ranking, and tells everybody where it is another one.
    package mutating func adopt(_ experts: [ExpertID], for tasks: Set<String>, now: Instant) {
        isStale = false
        self.tasks = tasks
        guard experts != self.experts else { return }
        self.experts = experts
        tellAll(now)
    }

    private mutating func tellAll(_ now: Instant) {
        isUntold = takers
        deadline = now + Self.connectTime
    }

    /// Workers that are to be told now; nobody before anything is known.
    package var untold: [Int] { experts.isEmpty ? [] : isUntold.indices.filter { isUntold[$0] } }

    /// A worker was told.
    package mutating func onTold(_ worker: Int) {
        if isUntold.indices.contains(worker) { isUntold[worker] = false }
    }

    /// How long to wait before those are tried again who could not be told; nil where there are
    /// none, or they were tried long enough: they are told with the next ones.
    package func retryPause(now: Instant) -> Duration? {
        untold.isEmpty || now >= deadline ? nil : Self.pause
    }
}
