/// How good policies were.
public struct CalibrationReport: Hashable, Sendable {
    /// HOBBIT's weights that were best on what was seen.
    public let hobbitWeights: HobbitWeights
    /// The same of the forecast.
    public let forecast: ForecastSettings
    /// The policy that cost least on what was seen, over all budgets.
    public let recommended: String
    public let tables: [Table]

    /// One budget.
    public struct Table: Hashable, Sendable {
        /// In percent of all experts.
        public let budget: Int
        /// Nil where the budget is too small for what a layer needs at once.
        public let slots: SlotCounts?
        public let results: [Result]
        /// What no cache stays below.
        public var leastPenalty = 0.0
        public var needCount = 0

        /// Which part of the distance between LRU and the optimum a policy leaves behind.
        public func closed(_ result: Result) -> Double? {
            guard let lru = self.result(named: "lru"), lru.penalty > leastPenalty else {
                return nil
            }
            return (lru.penalty - result.penalty) / (lru.penalty - leastPenalty)
        }

        /// How much less a policy pays than another, as a part of what the other pays.
        public func saved(_ result: Result, comparedTo name: String) -> Double? {
            guard let other = self.result(named: name), other.penalty > 0 else { return nil }
            return 1 - result.penalty / other.penalty
        }

        public func result(named name: String) -> Result? {
            results.first { $0.name == name }
        }
    }

    /// One policy under one budget.
    public struct Result: Hashable, Sendable {
        public let name: String
        public let hitRate: Double
        /// Loads, those of the low tier at their cost.
        public let penalty: Double
    }
}
