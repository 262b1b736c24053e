public import Caching

/// What is known of the work that experts are chosen for in `emoe`.
public struct EmoeOptions: Hashable, Sendable {
    /// How often each task to come used each expert; none where the first prompt shall tell.
    public var tasks: [ExpertUses]
    /// Prompts from one choice of experts to the next.
    public var period: Int

    public init(tasks: [ExpertUses] = [], period: Int = ResidencySchedule.usualPeriod) {
        precondition(period > 0, "a period of \(period) prompts")
        self.tasks = tasks
        self.period = period
    }
}

/// How often rows used each expert.
public struct ExpertUses: Hashable, Sendable {
    /// Rows that were counted.
    public let rows: Double
    /// Those that used each; `[layer][expert]`, empty for a layer without experts.
    public let counts: [[Double]]

    public init(rows: Double, counts: [[Double]]) {
        self.rows = rows
        self.counts = counts
    }

    /// - Throws: where they are not of such a model.
    func check(expertCounts: [Int]) throws(ExpertUsesError) {
        let found = counts.map(\.count)
        guard found == expertCounts else {
            throw .otherModel(
                layers: found.count,
                experts: found.reduce(0, +),
                expectedLayers: expertCounts.count,
                expectedExperts: expertCounts.reduce(0, +)
            )
        }
    }
}

/// Why counted uses tell nothing of a model.
public enum ExpertUsesError: Error, Equatable, Sendable, CustomStringConvertible {
    case otherModel(layers: Int, experts: Int, expectedLayers: Int, expectedExperts: Int)

    public var description: String {
        switch self {
        case .otherModel(let layers, let experts, let expectedLayers, let expectedExperts):
            "the profile is of a model with \(layers) layers and \(experts) experts, this one has "
                + "\(expectedLayers) and \(expectedExperts): count this model's"
        }
    }
}
