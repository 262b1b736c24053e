extension Scheduler {
    /// What is wished of a sequence, and how long its answer is expected to be.
    public struct Wish: Equatable, Sendable {
        /// How soon after it came its first token should come; nil counts as ten minutes.
        public var firstToken: Duration?
        /// How soon each further token should come, on the mean.
        public var eachToken: Duration?
        /// Tokens that its answer is expected to have.
        public var answerLength: Double

        public init(
            firstToken: Duration? = nil,
            eachToken: Duration? = nil,
            answerLength: Double = 1
        ) {
            self.firstToken = firstToken
            self.eachToken = eachToken
            self.answerLength = answerLength
        }

        /// Whether there is an objective.
        var isStrict: Bool { firstToken != nil || eachToken != nil }
    }

    /// In which order those come in that wait, among those of one owner and priority.
    public enum Admission: Equatable, Sendable, CaseIterable {
        /// Who came first.
        case arrival
        /// Whose first token is wished soon, and who takes little time; whoever would make another
        /// miss what it wishes is held back.
        case objectives
    }
}
