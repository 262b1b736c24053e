/// How long answers are expected to become: as long as those of their task were lately.
///
/// Knows so many tasks, by their labels; what has none is a task, too. Asks for no memory once its
/// tasks are known.
public struct AnswerLengths: Equatable, Sendable {
    private struct Known: Equatable, Sendable {
        var count = 0
        /// Of the answers, the last ones counting most.
        var mean = 0.0
        /// Counts the answers of all tasks.
        var lastEnd: UInt64 = 0
    }

    private var tasks: [String: Known] = [:]
    private var endCount: UInt64 = 0

    /// Tasks that are known; whose last answer is oldest is forgotten for another.
    public static let taskLimit = 64
    /// An answer counts as one of so many.
    private static let memory = 32

    public init() {}

    public var taskCount: Int { tasks.count }

    /// Tokens that an answer is expected to have.
    ///
    /// - Parameter limit: what it can have at most, and is expected to have where nothing is known.
    public func expected(of task: String, atMost limit: Int) -> Double {
        let limit = Double(max(1, limit))
        guard let known = tasks[task] else { return limit }
        return min(max(1, known.mean), limit)
    }

    /// An answer has ended by itself.
    public mutating func add(tokenCount: Int, of task: String) {
        endCount += 1
        if tasks[task] == nil, tasks.count >= Self.taskLimit { forgetOldest() }
        var known = tasks[task] ?? Known()
        known.count = min(known.count + 1, Self.memory)
        known.mean += (Double(tokenCount) - known.mean) / Double(known.count)
        known.lastEnd = endCount
        tasks[task] = known
    }

    private mutating func forgetOldest() {
        let oldest = tasks.min { $0.value.lastEnd < $1.value.lastEnd }
        if let oldest { tasks[oldest.key] = nil }
    }
}
