/// When resident experts are chosen anew: every so many prompts, as in eMoE.
///
/// Choosing and loading cost more than a prompt or two could gain, and what tasks use changes
/// slowly.
public struct ResidencySchedule: Hashable, Sendable {
    /// What happens to the resident experts as a prompt comes.
    public enum Decision: Hashable, Sendable {
        /// Nothing is known of its task yet: what it asks for is loaded.
        case loadOnDemand
        /// They are chosen anew, for this prompt and those that follow.
        case choose
        /// They stay.
        case keep
    }

    /// Prompts from one choice to the next; the paper's p.
    public let period: Int
    /// Prompts since the last choice.
    private var promptCount = 0
    private var knownTasks: Set<Int>

    /// The paper found 40 prompts to change nothing, and 60 to.
    public static let usualPeriod = 40

    /// - Parameter knownTasks: those for which experts were chosen before any prompt.
    public init(period: Int = Self.usualPeriod, knownTasks: Set<Int> = []) {
        precondition(period > 0, "a period of \(period) prompts")
        self.period = period
        self.knownTasks = knownTasks
    }

    public mutating func onPrompt(task: Int) -> Decision {
        promptCount += 1
        guard !knownTasks.insert(task).inserted else { return .loadOnDemand }
        guard promptCount > period else { return .keep }
        promptCount = 1
        return .choose
    }
}
