/// Which expert each slot of one tier holds.
struct SlotTable: Sendable {
    /// `[slot]`, -1 for an empty one.
    private(set) var experts: [Int32]
    /// `[expert]`, -1 for one that is not here.
    private var slots: [Int32]
    /// How many use the slot's expert at this moment; `[slot]`.
    private var holds: [Int32]
    /// Empty slots, the next one last.
    private var free: [Int32]

    init(slotCount: Int, expertCount: Int) {
        experts = Array(repeating: -1, count: slotCount)
        slots = Array(repeating: -1, count: expertCount)
        holds = Array(repeating: 0, count: slotCount)
        free = (0..<slotCount).reversed().map { Int32($0) }
    }

    var count: Int { experts.count - free.count }

    func slot(of expert: Int) -> Int? {
        let slot = slots[expert]
        return slot < 0 ? nil : Int(slot)
    }

    var hasRoom: Bool { !free.isEmpty }

    /// Whether a slot holds an expert that nobody uses at this moment.
    func mayGive(_ slot: Int) -> Bool { experts[slot] >= 0 && holds[slot] == 0 }

    /// Puts an expert into another's slot, or into an empty one.
    ///
    /// - Precondition: where no slot is given, one is empty.
    mutating func place(_ expert: Int, insteadOf victim: Int?) -> (slot: Int, evicted: Int?) {
        guard let victim else {
            precondition(hasRoom, "none of \(experts.count) slots is empty")
            let slot = Int(free.removeLast())
            put(expert, into: slot)
            return (slot, nil)
        }
        let evicted = Int(experts[victim])
        slots[evicted] = -1
        put(expert, into: victim)
        return (victim, evicted)
    }

    private mutating func put(_ expert: Int, into slot: Int) {
        experts[slot] = Int32(truncatingIfNeeded: expert)
        slots[expert] = Int32(truncatingIfNeeded: slot)
    }

    /// Empties a slot, unless it is held; says whether it did.
    mutating func remove(_ expert: Int) -> Bool {
        guard let slot = slot(of: expert), holds[slot] == 0 else { return false }
        slots[expert] = -1
        experts[slot] = -1
        free.append(Int32(truncatingIfNeeded: slot))
        return true
    }

    mutating func hold(_ expert: Int) {
        guard let slot = slot(of: expert) else { return }
        holds[slot] += 1
    }

    mutating func release(_ expert: Int) {
        guard let slot = slot(of: expert), holds[slot] > 0 else { return }
        holds[slot] -= 1
    }
}
