/// What a cache would have done on some demand.
///
/// All that a layer needs is in memory at once. A need of the low tier is met by either tier; one
/// of the high tier only by that.
public struct CacheReplay: Hashable, Sendable {
    public private(set) var needCount = 0
    public private(set) var hitCount = 0
    /// Experts loaded, by tier.
    public private(set) var highLoads = 0
    public private(set) var lowLoads = 0

    /// Loads in units of one in the high tier.
    ///
    /// - Parameter lowCost: what one of the low tier takes.
    public func penalty(lowCost: Double) -> Double {
        Double(highLoads) + lowCost * Double(lowLoads)
    }

    public var hitRate: Double {
        needCount > 0 ? Double(hitCount) / Double(needCount) : 1
    }

    public init() {}

    /// Runs all passes through a cache that begins empty.
    ///
    /// - Parameters:
    ///   - quotas: slots of each layer with experts, where they are split; else shared.
    ///   - hintedPasses: how many of the next passes are foreseen, without a mistake; fewer than
    ///     there are layers with experts.
    /// - Precondition: every tier that is asked for has slots for the largest pass.
    public init(
        of demand: ExpertDemand,
        slotCounts: SlotCounts,
        policy: CachePolicy,
        quotas: [Int]? = nil,
        hintedPasses: Int = 0
    ) {
        var cache = ExpertSlots(
            expertCounts: demand.numbering.expertCounts,
            slotCounts: slotCounts,
            policy: policy,
            quotas: quotas
        )
        for (index, pass) in demand.passes.enumerated() {
            if pass.beginsSequence { cache.beginSequence() }
            cache.enter(pass.layer)
            for hinted in demand.passes[(index + 1)...].prefix(hintedPasses) {
                for need in demand.needs[hinted.needs] { cache.expect(need.expert) }
            }
            run(demand.needs[pass.needs], through: &cache)
        }
    }

    private mutating func run(
        _ needs: ArraySlice<ExpertDemand.Need>,
        through cache: inout ExpertSlots
    ) {
        for need in needs {
            cache.use(need.expert, tier: need.tier)
            guard let tier = cache.tier(meeting: need) else { continue }
            cache.hold(need.expert, tier: tier)
            hitCount += 1
        }
        needCount += needs.count
        for need in needs where cache.tier(meeting: need) == nil {
            let admission = cache.admit(need.expert, tier: need.tier)
            precondition(admission != nil, "\(cache.slotCounts) for \(needs.count) experts")
            if need.tier == .high { highLoads += 1 } else { lowLoads += 1 }
        }
        for need in needs {
            if let tier = cache.tier(meeting: need) { cache.release(need.expert, tier: tier) }
        }
    }

    mutating func add(_ other: CacheReplay) {
        needCount += other.needCount
        hitCount += other.hitCount
        highLoads += other.highLoads
        lowLoads += other.lowLoads
    }
}

extension ExpertSlots {
    /// The tier that has what is needed, in that precision or better.
    func tier(meeting need: ExpertDemand.Need) -> Tier? {
        if slot(of: need.expert, tier: .high) != nil { return .high }
        guard need.tier == .low, slot(of: need.expert, tier: .low) != nil else { return nil }
        return .low
    }
}
