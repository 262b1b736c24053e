import Cluster
import Generation
import Wire

/// What is counted of all jobs of this life, however they came.
package struct JobFigures: Equatable, Sendable {
    /// From a job's arrival to its first token.
    package private(set) var firstToken = Histogram(bounds: waits)
    /// From one token to the next.
    package private(set) var nextToken = Histogram(
        bounds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    )
    /// From a job's arrival to its end, of those that were completed.
    package private(set) var whole = Histogram(bounds: waits)
    /// From a job's arrival to its first step.
    package private(set) var queueing = Histogram(bounds: waits)
    /// From a job's first step to its first token.
    package private(set) var prefill = Histogram(bounds: waits)

    package private(set) var promptTokenCount: UInt64 = 0
    package private(set) var generatedTokenCount: UInt64 = 0
    /// How many jobs ended for each reason.
    package private(set) var ends: [End: UInt64] = [:]
    /// Of jobs that were completed, how many kept what was wished of them, and how many did not.
    package private(set) var objectives: [Objective: Outcomes] = [:]
    /// How many jobs were not taken.
    package private(set) var refusedCount: UInt64 = 0

    package enum End: String, CaseIterable, Sendable {
        case stop
        case length
        case abort
        case error
    }

    package struct Outcomes: Equatable, Sendable {
        package var kept: UInt64 = 0
        package var missed: UInt64 = 0

        fileprivate mutating func count(_ isKept: Bool) {
            if isKept { kept += 1 } else { missed += 1 }
        }
    }

    package enum Objective: String, CaseIterable, Sendable {
        /// Time to the first token.
        case firstToken = "ttft"
        /// Time from one token to the next, on the mean.
        case eachToken = "tpot"
    }

    private static let waits = [
        0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800,
    ]

    init() {}

    /// When things happened to one job.
    struct Times: Equatable, Sendable {
        let arrival: Instant
        let objective: ServiceObjective
        /// Whether it began in a former life: nobody knows how long it waited then.
        fileprivate let isResumed: Bool
        fileprivate var tokenCount = 0
        fileprivate(set) var firstToken: Instant?
        fileprivate(set) var lastToken: Instant?

        init(
            arrival: Instant,
            objective: ServiceObjective = ServiceObjective(),
            isResumed: Bool = false
        ) {
            self.arrival = arrival
            self.objective = objective
            self.isResumed = isResumed
        }

        /// What became of an objective; nil where there was none, or too few tokens to tell.
        func isKept(_ objective: Objective) -> Bool? {
            guard let firstToken, let lastToken else { return nil }
            switch objective {
            case .firstToken: return self.objective.firstToken.map { firstToken - arrival <= $0 }
            case .eachToken:
                guard tokenCount > 1, let wish = self.objective.eachToken else { return nil }
                return (lastToken - firstToken) / (tokenCount - 1) <= wish
            }
        }
    }

    mutating func countRefusal() { refusedCount += 1 }

    mutating func countToken(_ times: inout Times, now: Instant) {
        generatedTokenCount += 1
        if let last = times.lastToken {
            nextToken.count(now - last)
        } else {
            times.firstToken = now
            if !times.isResumed { firstToken.count(now - times.arrival) }
        }
        times.lastToken = now
        times.tokenCount += 1
    }

    mutating func countEnd(_ result: GenerationResult, _ times: Times, now: Instant) {
        let end: End =
            switch result.reason {
            case .stop: .stop
            case .length: .length
            case .cancelled: .abort
            case .failed: .error
            }
        ends[end, default: 0] += 1
        guard let first = times.firstToken else { return }
        promptTokenCount += UInt64(clamping: result.promptTokenCount)
        guard !times.isResumed else { return }
        prefill.count(result.prefillTime)
        queueing.count(first - times.arrival - result.prefillTime)
        guard end == .stop || end == .length else { return }
        whole.count(now - times.arrival)
        for objective in Objective.allCases {
            guard let isKept = times.isKept(objective) else { continue }
            objectives[objective, default: Outcomes()].count(isKept)
        }
    }
}
