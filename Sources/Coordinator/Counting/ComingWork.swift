import Caching
package import Model
package import Placement

/// What requests that have not ended are expected to ask of experts, by what was counted of their
/// tasks.
package struct ComingWork {
    /// One that has not ended.
    package struct Request: Hashable, Sendable {
        package let label: ProfileCounter.Label
        package let promptTokenCount: Int
        /// Tokens that its answer is expected to have.
        package let answerLength: Double

        package init(label: ProfileCounter.Label, promptTokenCount: Int, answerLength: Double) {
            self.label = label
            self.promptTokenCount = promptTokenCount
            self.answerLength = answerLength
        }
    }

    private let counter: ProfileCounter
    private let numbering: ExpertNumbering

    /// What fewer rows chose says little of what the next ones will.
    package static let leastRows = 16.0

    package init(counter: ProfileCounter) {
        self.counter = counter
        numbering = ExpertNumbering(expertCounts: counter.expertCounts)
    }

    /// Experts by the tokens that they are expected to get (eMoE's N_i), the most wanted first.
    ///
    /// A task of which nothing is known asks for itself once it is computed. Where that is so of
    /// all, or nothing is under way, coming work is expected to be like what was counted lately.
    package func ranking(for requests: [Request]) -> [ExpertID] {
        guard counter.isCounting, counter.rows() >= Self.leastRows else { return [] }
        let groups = Dictionary(grouping: requests, by: \.label)
        var tasks = counter.labels.compactMap { label in
            groups[label].flatMap { demand(of: $0, under: label) }
        }
        if tasks.isEmpty { tasks = [demand(inputTokens: [1], outputTokens: 0, under: nil)] }
        return ResidentExperts.ranked(for: tasks, numbering: numbering)
    }

    /// - Returns: nil where too little is known of the task.
    private func demand(
        of requests: [Request],
        under label: ProfileCounter.Label
    ) -> TaskDemand? {
        guard counter.rows(under: label) >= Self.leastRows else { return nil }
        let lengths = requests.reduce(0) { $0 + $1.answerLength }
        return demand(
            inputTokens: requests.map(\.promptTokenCount),
            outputTokens: lengths / Double(requests.count),
            under: label
        )
    }

    private func demand(
        inputTokens: [Int],
        outputTokens: Double,
        under label: ProfileCounter.Label?
    ) -> TaskDemand {
        let frequencies = counter.frequencies(under: label).filter { !$0.isEmpty }
        return TaskDemand(
            inputTokens: inputTokens,
            outputTokens: outputTokens,
            frequencies: frequencies,
            isSensitive: frequencies.map { _ in true }
        )
    }
}
