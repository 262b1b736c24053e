import Caching
import ExpertStore
import Model
import Tensors

/// The experts that weigh most in what is computed, in the high tier; they come while others are
/// computed, and nobody waits for them.
///
/// An expert's heat is the sum of the gate weights that rows gave it, each counting the less the
/// longer ago it was. The hottest that is missing takes the slot of the coldest, where it is hotter
/// by far. Empty slots are filled while nothing is computed. Used from one thread.
final class HotExperts {
    private let stored: StoredExperts
    private let reads: ReadPool
    private let onTrouble: (StoreError) -> Void
    private let numbering: ExpertNumbering
    private(set) var figures = ResidencyFigures()
    private var bounds: TokenBounds

    /// `[number]`, in units of `unit`.
    private var heat: [Double]
    /// What a gate weight of 1 counts now; it grows instead of all others shrinking.
    private var unit = 1.0
    /// `[number]`, -1 for who has no slot.
    private var slots: [Int]
    /// Who has each; `[slot]`, nil for nobody.
    private var tenants: [Tenant?]
    /// Slots that somebody has.
    private var tenantCount = 0
    /// How many may have one.
    private(set) var limit: Int
    /// Who comes into empty slots while nothing is computed.
    private var idle: IdleLoads
    /// Since an expert was last looked for that should be here.
    private var usesSinceSearch = 0

    private struct Tenant {
        let number: Int
        /// Whether it came while nothing was computed, and was not used since.
        var isPrepared: Bool
        /// Nil while it is on its way.
        var weights: FeedForwardWeights?
    }

    /// Reads under way at once: those who compute need the cores.
    private static let readCapacity = 2
    /// Uses after which one more may be read.
    ///
    /// A read takes about as much time from those who compute as a dozen uses: what is promoted is
    /// to cost a twentieth of the speed at most.
    private static let usesPerPromotion = 256
    /// How much hotter than another one must be to take its place; else two as hot would take
    /// turns.
    private static let lead = 1.5
    /// By how much a weight counts less after a token.
    private static let fading = 0.99

    init(_ stored: StoredExperts, cpus: [Int], onTrouble: @escaping (StoreError) -> Void) {
        self.stored = stored
        self.onTrouble = onTrouble
        numbering = ExpertNumbering(expertCounts: stored.expertCounts)
        bounds = TokenBounds(layerCount: numbering.placeCount)
        reads = ReadPool(
            memory: stored.memory,
            sources: stored.sources,
            capacity: min(Self.readCapacity, stored.slotCount),
            threadCount: Self.readCapacity,
            cpus: cpus
        )
        heat = Array(repeating: 0, count: numbering.count)
        slots = Array(repeating: -1, count: numbering.count)
        tenants = Array(repeating: nil, count: stored.slotCount)
        limit = stored.slotCount
        idle = IdleLoads(slotCount: stored.slotCount)
    }

    /// Lets no more than so many be here; the coldest go, and give their memory back.
    ///
    /// Nobody may use weights of experts that were asked for before. Where there are too many,
    /// those that are on their way are given up, and their last blocks are waited for.
    func keep(atMost count: Int) {
        limit = min(max(0, count), tenants.count)
        idle.restart()
        if tenantCount > limit { reads.abandon() }
        while tenantCount > limit, reads.count > 0 { take(reads.wait()) }
        takeArrivals()
    }

    private func shrink() {
        while tenantCount > limit, let slot = coldest(below: .infinity) {
            if let tenant = tenants[slot] { slots[tenant.number] = -1 }
            leave(slot)
            stored.memory.giveBack(slot)
        }
    }

    private func leave(_ slot: Int) {
        tenants[slot] = nil
        tenantCount -= 1
    }

    /// An expert's weights, if they are here.
    subscript(id: ExpertID) -> FeedForwardWeights? {
        guard let number = numbering.number(of: id), slots[number] >= 0 else { return nil }
        return tenants[slots[number]]?.weights
    }

    /// A layer is computed; all heat fades once for each token.
    func enter(_ layer: LayerIndex) {
        idle.restart()
        if bounds.enter(layer.rawValue) { fade() }
    }

    private func fade() {
        unit /= Self.fading
        guard unit > Self.largestUnit else { return }
        for number in heat.indices { heat[number] /= unit }
        unit = 1
    }

    /// Far from where numbers end.
    private static let largestUnit = 1e100

    /// A row used an expert.
    func use(_ id: ExpertID, gateWeight: Float) {
        guard let number = numbering.number(of: id) else { return }
        // Weights may have any size and sign.
        let weight = Double(abs(gateWeight))
        heat[number] += unit * (weight.isFinite ? min(weight, 1) : 0)
        figures.uses += 1
        usesSinceSearch += 1
        let slot = slots[number]
        guard slot >= 0, let tenant = tenants[slot], tenant.weights != nil else { return }
        figures.hits += 1
        if tenant.isPrepared {
            figures.idleUses += 1
            tenants[slot]?.isPrepared = false
        }
    }

    /// Gives the hottest expert that is not here an empty slot, or that of a colder one, now and
    /// then.
    ///
    /// Nobody may use weights of experts that were asked for before.
    ///
    /// - Parameter isWanted: whether an expert would be used if it were here.
    func promote(where isWanted: (ExpertID) -> Bool) {
        guard usesSinceSearch >= Self.usesPerPromotion, reads.count < reads.capacity else { return }
        usesSinceSearch = 0
        guard let id = hottestMissing(where: isWanted), let number = numbering.number(of: id),
            let slot = emptySlot ?? coldest(below: heat[number] / Self.lead)
        else { return }
        read(id, number, into: slot, isPrepared: false)
    }

    private func hottestMissing(where isWanted: (ExpertID) -> Bool) -> ExpertID? {
        var hottest: ExpertID?
        var most = 0.0
        for (number, id) in numbering.experts.enumerated()
        where slots[number] < 0 && heat[number] > most && isWanted(id) {
            most = heat[number]
            hottest = id
        }
        return hottest
    }

    private func read(_ id: ExpertID, _ number: Int, into slot: Int, isPrepared: Bool) {
        if let old = tenants[slot] { slots[old.number] = -1 } else { tenantCount += 1 }
        slots[number] = slot
        tenants[slot] = Tenant(number: number, isPrepared: isPrepared)
        reads.post(id, slot: slot)
    }

    /// A slot that nobody has and somebody may have.
    private var emptySlot: Int? {
        tenantCount < limit ? tenants.firstIndex { $0 == nil } : nil
    }

    /// The slot of the coldest that is here, where that is colder than a limit.
    private func coldest(below limit: Double) -> Int? {
        var coldest: Int?
        var least = limit
        for slot in tenants.indices {
            guard let tenant = tenants[slot], tenant.weights != nil, heat[tenant.number] < least
            else { continue }
            least = heat[tenant.number]
            coldest = slot
        }
        return coldest
    }

    /// Notes who has come.
    func takeArrivals() {
        while let end = reads.next() { take(end) }
        if tenantCount > limit { shrink() }
    }

    private func take(_ end: ReadPool.End) {
        guard let number = numbering.number(of: end.expert) else { return }
        if let trouble = end.trouble {
            stored.note(trouble)
            onTrouble(trouble)
        }
        guard let source = end.source else {
            slots[number] = -1
            if tenantCount > limit { stored.memory.giveBack(end.slot) }
            return leave(end.slot)
        }
        if source >= stored.fastSourceCount { figures.fallbacks += 1 }
        let size = stored.layout.extent(of: end.expert)?.count ?? 0
        figures.bytesRead += size
        figures.bytesNeeded += size
        tenants[end.slot]?.weights = stored.layout.weights(
            of: end.expert,
            in: stored.memory[end.slot]
        )
    }

    // MARK: While nothing is computed

    /// Takes who is to come into empty slots, the most wanted first.
    func want(_ experts: [ExpertID]) { idle.adopt(experts) }

    /// Begins to read those into empty slots; waits for nothing.
    ///
    /// Nobody may use weights of experts that were asked for before.
    ///
    /// - Returns: whether reads are under way, so that it is to be called again soon.
    func prepare() -> Bool {
        takeArrivals()
        while reads.count < reads.capacity, let slot = emptySlot,
            let id = idle.nextExpert(where: { !isHere($0) }),
            let number = numbering.number(of: id)
        {
            figures.idleLoads += 1
            read(id, number, into: slot, isPrepared: true)
        }
        return reads.count > 0
    }

    /// Whether it has a slot.
    private func isHere(_ id: ExpertID) -> Bool {
        numbering.number(of: id).map { slots[$0] >= 0 } ?? true
    }

    /// Fills empty slots with who is wanted, and waits until they have come.
    func fill() { while prepare() { take(reads.wait()) } }

    deinit { reads.abandon() }
}
