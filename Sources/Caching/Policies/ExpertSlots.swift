public import Model

/// Which experts are in memory, and who gives way to whom.
///
/// Knows nothing of bytes: a store asks where an expert is, and loads what it is told to into the
/// slot that it is given. For each layer of a step:
///
/// 1. `enter` the layer, once.
/// 2. Ask `slot(of:tier:)` for each expert that the layer needs; `hold` those that are there,
///    `admit` those that are not (which holds them too), and say `use` of each, whichever it was.
/// 3. Load what was admitted; compute; `release` what was held. `remove` what could not be loaded.
///
/// Where hints come from the next layers' routers, `expect` these experts, then `prefetch` those
/// that are missing. While nothing is asked for, `prepare` those that are wanted. Whoever loads
/// ahead holds a slot while it is being filled, and releases it.
///
/// The two tiers have slots of their own and the same records. Nothing is allocated after `init`.
/// To find who gives way, all slots of the tier are looked at: nanoseconds each, once per load.
public struct ExpertSlots: Sendable {
    public let policy: CachePolicy
    public let slotCounts: SlotCounts
    private var records: UseRecords
    /// `[tier]`.
    private var tables: [SlotTable]
    /// The pass in which an expected expert's layer comes; `[expert]`, -1 for none.
    private var duePasses: [Int]
    /// Slots of the high tier that each layer with experts may take; nil where all share them.
    private let quotas: [Int]?
    /// Experts of each layer in the high tier; `[place]`.
    private var layerCounts: [Int]

    /// Where an expert goes.
    public struct Admission: Hashable, Sendable {
        public let slot: Int
        /// Who was there before.
        public let evicted: ExpertID?
    }

    /// - Parameters:
    ///   - expertCounts: experts of each layer; `[layer]`, 0 for one without.
    ///   - quotas: how the slots of the high tier are split among the layers with experts, which
    ///     then only evict their own; nil where they share them.
    public init(
        expertCounts: [Int],
        slotCounts: SlotCounts,
        policy: CachePolicy,
        quotas: [Int]? = nil
    ) {
        precondition(slotCounts.high >= 0 && slotCounts.low >= 0, "\(slotCounts)")
        self.quotas = quotas
        self.policy = policy
        self.slotCounts = slotCounts
        let numbering = ExpertNumbering(expertCounts: expertCounts)
        records = UseRecords(numbering: numbering, policy: policy)
        tables = Tier.allCases.map {
            SlotTable(slotCount: slotCounts[$0], expertCount: numbering.count)
        }
        duePasses = Array(repeating: -1, count: numbering.count)
        layerCounts = Array(repeating: 0, count: numbering.placeCount)
        if let quotas {
            precondition(
                quotas.count == numbering.placeCount && quotas.allSatisfy { $0 >= 0 }
                    && quotas.reduce(0, +) <= slotCounts.high,
                "\(slotCounts.high) slots for \(numbering.placeCount) layers, split \(quotas)"
            )
        }
    }

    public var numbering: ExpertNumbering { records.numbering }

    /// Experts in a tier's slots.
    public func count(in tier: Tier) -> Int { tables[tier.rawValue].count }

    // MARK: The forward pass

    /// Begins a sequence: uses are counted anew, experts stay where they are.
    public mutating func beginSequence() { records.beginSequence() }

    /// The forward pass comes to a layer; one without experts changes nothing.
    public mutating func enter(_ layer: LayerIndex) {
        guard let place = numbering.place(of: layer) else { return }
        records.enter(place: place)
    }

    /// The slot that holds an expert, or is being filled with it.
    public func slot(of expert: ExpertID, tier: Tier) -> Int? {
        guard let number = numbering.number(of: expert) else { return nil }
        return tables[tier.rawValue].slot(of: number)
    }

    /// Counts that a layer used an expert, once for all rows of a step.
    public mutating func use(_ expert: ExpertID, tier: Tier) {
        guard let number = numbering.number(of: expert) else { return }
        records.use(number, tier: tier)
    }

    // MARK: Coming and going

    /// Finds a slot for an expert that is needed now, and holds it.
    ///
    /// Expected experts give way only where all others are held; among them the one whose layer
    /// comes last.
    ///
    /// - Returns: nil where every slot is held.
    /// - Precondition: the model has the expert, and the tier does not hold it yet.
    public mutating func admit(_ expert: ExpertID, tier: Tier) -> Admission? {
        place(expert, tier: tier, isNeeded: true)
    }

    /// Finds a slot for an expert that is expected, and holds it.
    ///
    /// - Returns: nil where every slot is held or expected itself.
    /// - Precondition: the model has the expert, and the tier does not hold it yet.
    public mutating func prefetch(_ expert: ExpertID, tier: Tier) -> Admission? {
        place(expert, tier: tier, isNeeded: false)
    }

    /// Finds an empty slot for an expert that coming work is expected to use, and holds it.
    ///
    /// - Returns: nil where there is none: nobody gives way to it.
    /// - Precondition: the model has the expert, and the tier does not hold it yet.
    public mutating func prepare(_ expert: ExpertID, tier: Tier) -> Admission? {
        guard let number = numbering.number(of: expert), !isFull(tier, for: number) else {
            return nil
        }
        return place(expert, tier: tier, isNeeded: false)
    }

    /// Empties an expert's slot, unless it is held.
    public mutating func remove(_ expert: ExpertID, tier: Tier) {
        guard let number = numbering.number(of: expert),
            tables[tier.rawValue].remove(number), tier == .high
        else { return }
        layerCounts[numbering.places[number]] -= 1
    }

    private mutating func place(_ expert: ExpertID, tier: Tier, isNeeded: Bool) -> Admission? {
        guard let number = numbering.number(of: expert), slot(of: expert, tier: tier) == nil
        else { preconditionFailure("\(expert) is no expert, or in the \(tier) tier already") }
        var gone: Int?
        if isFull(tier, for: number) {
            gone = victim(in: tier, for: number, isNeeded: isNeeded)
            guard gone != nil else { return nil }
        }
        let placed = tables[tier.rawValue].place(number, insteadOf: gone)
        if tier == .high {
            layerCounts[numbering.places[number]] += 1
            if let gone = placed.evicted { layerCounts[numbering.places[gone]] -= 1 }
        }
        hold(expert, tier: tier)
        return Admission(slot: placed.slot, evicted: placed.evicted.map { numbering.experts[$0] })
    }

    // MARK: Masks

    /// Keeps an expert where it is until it is released as often as it was held.
    public mutating func hold(_ expert: ExpertID, tier: Tier) {
        guard let number = numbering.number(of: expert) else { return }
        tables[tier.rawValue].hold(number)
    }

    public mutating func release(_ expert: ExpertID, tier: Tier) {
        guard let number = numbering.number(of: expert) else { return }
        tables[tier.rawValue].release(number)
    }

    /// Keeps an expert, in whichever tiers it is or comes, until its layer has passed.
    ///
    /// From anybody: an expert that the model does not have is nobody's.
    public mutating func expect(_ expert: ExpertID) {
        guard let number = numbering.number(of: expert) else { return }
        let here = max(0, records.place)
        let distance = numbering.distance(from: here, to: numbering.places[number])
        duePasses[number] = records.passCount + distance
    }

    public func isExpected(_ expert: ExpertID) -> Bool {
        numbering.number(of: expert).map { duePasses[$0] >= records.passCount } ?? false
    }

    // MARK: Who gives way

    /// Whether someone must go before an expert can come in.
    private func isFull(_ tier: Tier, for number: Int) -> Bool {
        guard tables[tier.rawValue].hasRoom else { return true }
        guard let quotas, tier == .high else { return false }
        let place = numbering.places[number]
        return layerCounts[place] >= quotas[place]
    }

    /// The slot of the expert that gives way; nil where none may.
    private func victim(in tier: Tier, for number: Int, isNeeded: Bool) -> Int? {
        let table = tables[tier.rawValue]
        let place = numbering.places[number]
        let isSplit = quotas != nil && tier == .high
        var best: (slot: Int, rank: Rank)?
        for slot in table.experts.indices where table.mayGive(slot) {
            let expert = Int(table.experts[slot])
            guard !isSplit || numbering.places[expert] == place else { continue }
            let due = duePasses[expert]
            let isExpected = due >= records.passCount
            guard isNeeded || !isExpected else { continue }
            let rank = Rank(
                // The later an expected expert is due, the sooner it gives way.
                reserve: isExpected ? Int.max - due : -1,
                priority: records.priority(of: expert, under: policy, place: place),
                order: records.order[expert]
            )
            guard let current = best else {
                best = (slot, rank)
                continue
            }
            let older = Int(table.experts[current.slot])
            if rank < current.rank || (rank == current.rank && expert < older) {
                best = (slot, rank)
            }
        }
        return best?.slot
    }

    /// The lowest gives way first.
    private struct Rank: Comparable {
        let reserve: Int
        let priority: Double
        let order: Int

        static func < (a: Self, b: Self) -> Bool {
            (a.reserve, a.priority, a.order) < (b.reserve, b.priority, b.order)
        }
    }
}
