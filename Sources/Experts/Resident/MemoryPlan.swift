/// What a memory budget is spent on.
public struct MemoryPlan: Equatable, Sendable {
    /// Experts that are in memory at once; nil for all of them.
    public let slotCount: Int?

    /// What a process needs, in bytes.
    public struct Needs: Equatable, Sendable {
        /// Everything but experts: the program, weights outside the experts, keys and values,
        /// rows on their way.
        public var fixed: Int
        /// Room for any expert.
        public var slot: Int
        /// All experts together.
        public var experts: Int
        public var expertCount: Int
        /// Slots without which it does not work.
        public var leastSlots: Int

        public init(fixed: Int, slot: Int, experts: Int, expertCount: Int, leastSlots: Int) {
            self.fixed = fixed
            self.slot = slot
            self.experts = experts
            self.expertCount = expertCount
            self.leastSlots = leastSlots
        }

        /// The least that would do.
        fileprivate var least: Int { fixed + min(experts, leastSlots * slot) }
    }

    /// - Parameter budget: bytes of memory that the process may have.
    public init(budget: Int, _ needs: Needs) throws(MemoryPlanError) {
        guard budget >= needs.least else { throw .tooSmall(budget: budget, least: needs.least) }
        let room = budget - needs.fixed
        slotCount = room >= needs.experts ? nil : min(room / needs.slot, needs.expertCount)
    }
}

/// Why a memory budget cannot be kept.
public enum MemoryPlanError: Error, Equatable, Sendable, CustomStringConvertible {
    case tooSmall(budget: Int, least: Int)

    public var description: String {
        switch self {
        case .tooSmall(let budget, let least):
            "a memory of \(Self.text(budget)) is too small: this model and context need "
                + "\(Self.text(least)) at least"
        }
    }

    /// Whole MiB, rounded up.
    private static func text(_ byteCount: Int) -> String {
        "\((byteCount + (1 << 20) - 1) >> 20)MiB"
    }
}
