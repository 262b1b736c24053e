/// A linear program some of whose variables are whole; minimised.
public struct IntegerProgram: Hashable, Sendable {
    public struct Column: Hashable, Sendable {
        public var cost: Double
        public var lower: Double
        public var upper: Double
        public var isWhole: Bool
        /// A value in a solution that is known already.
        public var start: Double

        public init(cost: Double, lower: Double, upper: Double, isWhole: Bool, start: Double) {
            self.cost = cost
            self.lower = lower
            self.upper = upper
            self.isWhole = isWhole
            self.start = start
        }
    }

    public struct Row: Hashable, Sendable {
        public var lower: Double
        public var upper: Double
        /// Each column at most once.
        public var terms: [Term]

        public init(lower: Double, upper: Double, terms: [Term]) {
            self.lower = lower
            self.upper = upper
            self.terms = terms
        }
    }

    public struct Term: Hashable, Sendable {
        public var column: Int
        public var factor: Double

        public init(_ column: Int, _ factor: Double) {
            self.column = column
            self.factor = factor
        }
    }

    public var columns: [Column]
    public var rows: [Row]

    public init(columns: [Column], rows: [Row]) {
        self.columns = columns
        self.rows = rows
    }
}

/// What bounds the search for a solution.
public struct IntegerProgramLimits: Hashable, Sendable {
    public var seconds = 10.0
    /// A solution this close to the bound, as a share of it, is good enough.
    public var gap = 0.005
    public var byteCount = 1 << 30

    public init() {}
}

/// What came of a program.
public enum IntegerProgramAnswer: Hashable, Sendable {
    /// The best values found, and what no values can beat.
    case solution(values: [Double], lowerBound: Double)
    /// No better than what was known; the reason is for people.
    case none(reason: String)
}

/// Whoever solves integer programs: a child process, or nobody.
///
/// Never throws: solvers have a solution already, and a program only improves it.
public protocol IntegerProgramSolver: Sendable {
    func solve(
        _ program: IntegerProgram,
        limits: IntegerProgramLimits
    ) -> IntegerProgramAnswer
}
