import ExpertStore
public import Model

/// What a memory budget is spent on.
public struct MemoryPlan: Equatable, Sendable {
    /// Experts that are in memory at once; nil for all of them.
    public let slotCount: Int?
    /// The same for who keeps all experts in equal slots: where layers' experts differ in size, not
    /// all of them are there at once, though they would fit one beside the other.
    public let equalSlotCount: Int

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

        /// - Parameter fixed: everything but experts.
        init(_ model: ModelDescription, _ layout: StoreLayout, fixed: Int) {
            self.init(
                fixed: fixed,
                slot: layout.slotByteCount,
                experts: layout.experts.reduce(0) { $0 + (layout.extent(of: $1)?.count ?? 0) },
                expertCount: layout.expertCount,
                // A row's experts of a layer, and as many on their way.
                leastSlots: 2 * max(1, model.expertsPerToken)
            )
        }

        /// - Parameter fixed: everything but experts.
        /// - Throws: what the model's experts are refused for.
        public init(_ model: ModelFile, fixed: Int) throws(ModelError) {
            self.init(model.description, try StoreLayout(model.layout), fixed: fixed)
        }

        /// The least budget that would do.
        public var least: Int { fixed + min(experts, leastSlots * slot) }
    }

    /// - Parameter budget: bytes of memory that the process may have.
    public init(budget: Int, _ needs: Needs) throws(MemoryPlanError) {
        guard budget >= needs.least else { throw .tooSmall(budget: budget, least: needs.least) }
        let room = budget - needs.fixed
        let most = min(room / needs.slot, needs.expertCount)
        slotCount = room >= needs.experts ? nil : most
        equalSlotCount = max(most, min(needs.leastSlots, needs.expertCount))
    }
}

/// Why a memory budget cannot be kept.
public enum MemoryPlanError: Error, Equatable, Sendable, CustomStringConvertible {
    case tooSmall(budget: Int, least: Int)

    public var description: String {
        switch self {
        case .tooSmall(let budget, let least):
            "a memory of \(Self.text(budget)) is too small: this model and context need "
                + "\(Self.text(least + Self.startByteCount)) at least"
        }
    }

    /// What a program has in memory when it has started differs by one or two MiB from run to run:
    /// who gives what a message asked for is not to be refused again.
    private static let startByteCount = 4 << 20

    /// Whole MiB, rounded up.
    static func text(_ byteCount: Int) -> String {
        "\((byteCount + (1 << 20) - 1) >> 20)MiB"
    }
}
