import Model

/// Which experts are in which slots, and who gives way to whom: the one that was used longest ago.
///
/// Knows nothing of bytes. Nothing is allocated after `init`; to find who gives way, all slots are
/// looked at: nanoseconds each, once for each read.
struct SlotTable {
    /// `[slot]`, nil where a slot is free.
    private var experts: [ExpertID?]
    /// How often each is held; `[slot]`.
    private var holds: [Int]
    /// When each was used last; `[slot]`.
    private var uses: [Int]
    /// `[layer][expert]`, -1 for none.
    private var slots: [[Int]]
    private var useCount = 0

    /// - Parameter expertCounts: experts of each layer.
    init(expertCounts: [Int], slotCount: Int) {
        experts = Array(repeating: nil, count: slotCount)
        holds = Array(repeating: 0, count: slotCount)
        uses = Array(repeating: 0, count: slotCount)
        slots = expertCounts.map { Array(repeating: -1, count: $0) }
    }

    /// The slot that holds an expert, or is being filled with it.
    func slot(of expert: ExpertID) -> Int? {
        let slot = slots[expert.layer.rawValue][expert.index]
        return slot < 0 ? nil : slot
    }

    /// Finds a slot for an expert that is needed now, and holds it.
    ///
    /// - Returns: nil where every slot is held.
    /// - Precondition: it has none yet.
    mutating func admit(_ expert: ExpertID) -> Int? {
        precondition(slot(of: expert) == nil, "\(expert) has a slot")
        guard let slot = victim() else { return nil }
        if let old = experts[slot] { slots[old.layer.rawValue][old.index] = -1 }
        experts[slot] = expert
        slots[expert.layer.rawValue][expert.index] = slot
        hold(expert)
        return slot
    }

    /// Keeps an expert where it is until it is released as often as it was held, and notes that it
    /// was used.
    mutating func hold(_ expert: ExpertID) {
        guard let slot = slot(of: expert) else { return }
        holds[slot] += 1
        useCount += 1
        uses[slot] = useCount
    }

    mutating func release(_ expert: ExpertID) {
        guard let slot = slot(of: expert) else { return }
        precondition(holds[slot] > 0, "\(expert) is released more often than it was held")
        holds[slot] -= 1
    }

    /// Frees an expert's slot.
    ///
    /// - Precondition: nobody holds it.
    mutating func remove(_ expert: ExpertID) {
        guard let slot = slot(of: expert) else { return }
        precondition(holds[slot] == 0, "\(expert) is held")
        experts[slot] = nil
        slots[expert.layer.rawValue][expert.index] = -1
    }

    /// A free slot, or the one whose expert was used longest ago.
    private func victim() -> Int? {
        var best: Int?
        for slot in experts.indices where holds[slot] == 0 {
            guard experts[slot] != nil else { return slot }
            if best.map({ uses[slot] < uses[$0] }) ?? true { best = slot }
        }
        return best
    }
}
