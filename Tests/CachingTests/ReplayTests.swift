import Caching
import Model
import Testing

@Suite("Demand replayed through caches")
struct ReplayTests {
    private static let policies: [CachePolicy] = [
        .lru, .lfu, .hobbit(.equal), .lcu(lowCost: 0.25), .forecast(ForecastSettings()),
    ]

    @Test("Belady's example: who is needed last gives way")
    func example() {
        // One layer, 3 slots: 0 1 2 3 0 1 4 0 1 2 3 4, the textbook's; the optimum is 7.
        var demand = ExpertDemand(expertCounts: [5])
        for index in [0, 1, 2, 3, 0, 1, 4, 0, 1, 2, 3, 4] {
            demand.append(layer: LayerIndex(0), [.init(ExpertID(0, index))])
        }
        #expect(Belady.loadCount(of: demand, slotCount: 3) == 7)
        let lru = CacheReplay(of: demand, slotCounts: SlotCounts(high: 3), policy: .lru)
        #expect(lru.highLoads == 10)
        #expect(lru.hitCount == 2)
        #expect(lru.needCount == 12)
    }

    @Test("Belady loads as little as trying everything does", arguments: 0..<60)
    func bruteForce(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let demand = randomDemand(passes: 9, experts: [4, 3], most: 2, using: &random)
        for slots in 2...4 {
            let least = leastLoads(demand, slotCount: slots)
            #expect(Belady.loadCount(of: demand, slotCount: slots) == least, "\(slots) slots")
        }
    }

    @Test("No policy is better than Belady", arguments: 0..<40)
    func neverBeaten(seed: Int) {
        var random = SeededRandom(seed: UInt64(1000 + seed))
        let demand = randomDemand(
            passes: 200,
            experts: [8, 0, 8, 8],
            most: 3,
            lowShare: seed % 2 == 0 ? 0 : 0.4,
            using: &random
        )
        for slots in [SlotCounts(high: 4, low: 4), SlotCounts(high: 9, low: 3)] {
            let least = Belady.leastPenalty(of: demand, slotCounts: slots, lowCost: 0.25)
            for policy in Self.policies {
                let replay = CacheReplay(of: demand, slotCounts: slots, policy: policy)
                #expect(replay.penalty(lowCost: 0.25) >= least, "\(policy)")
                #expect(replay.hitCount + replay.highLoads + replay.lowLoads == replay.needCount)
                #expect(
                    replay == CacheReplay(of: demand, slotCounts: slots, policy: policy),
                    "the same again"
                )
            }
        }
    }

    @Test("With a slot for every expert each is loaded once", arguments: policies)
    func everything(policy: CachePolicy) {
        var random = SeededRandom(seed: 5)
        let demand = randomDemand(passes: 300, experts: [6, 6], most: 3, using: &random)
        let replay = CacheReplay(of: demand, slotCounts: SlotCounts(high: 12), policy: policy)
        #expect(replay.highLoads == 12)
        #expect(Belady.loadCount(of: demand, slotCount: 12) == 12)
    }

    @Test("A low need is met by either tier, a high one only by the high tier")
    func tiers() {
        var demand = ExpertDemand(expertCounts: [4])
        let expert = ExpertID(0, 0)
        for tier: Tier in [.low, .low, .high, .low] {
            demand.append(layer: LayerIndex(0), [.init(expert, tier: tier)])
        }
        let slots = SlotCounts(high: 1, low: 1)
        let replay = CacheReplay(of: demand, slotCounts: slots, policy: .lru)
        #expect(replay.lowLoads == 1)
        #expect(replay.highLoads == 1)
        #expect(replay.hitCount == 2)
        #expect(replay.penalty(lowCost: 0.25) == 1.25)
    }

    @Test("What is named twice in a pass is needed once, in the higher tier")
    func merging() {
        var demand = ExpertDemand(expertCounts: [4])
        let expert = ExpertID(0, 2)
        demand.append(
            layer: LayerIndex(0),
            [.init(expert, tier: .low), .init(expert), .init(ExpertID(0, 1))]
        )
        #expect(demand.needCount == 2)
        #expect(demand.largestPass == 2)
        let slots = SlotCounts(high: 2, low: 2)
        #expect(CacheReplay(of: demand, slotCounts: slots, policy: .lru).highLoads == 2)
    }

    // MARK: Splits

    @Test("The split is the best of all splits", arguments: 0..<40)
    func split(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let costs = (0..<3).map { _ in (0..<5).map { _ in Double(random.next() % 20) } }
        let best = LayerSplit.best(costs: costs, slotCount: 7)
        #expect(best.reduce(0, +) <= 7)
        func cost(_ split: [Int]) -> Double {
            zip(costs, split).reduce(0) { $0 + $1.0[min($1.1, 4)] }
        }
        var least = Double.infinity
        for a in 0...4 {
            for b in 0...4 {
                for c in 0...4 where a + b + c <= 7 {
                    least = min(least, cost([a, b, c]))
                }
            }
        }
        #expect(cost(best) == least)
    }

    @Test("Loads of each layer by slots are what LRU with these slots loads")
    func loadCounts() {
        var random = SeededRandom(seed: 9)
        let demand = randomDemand(passes: 400, experts: [6, 8], most: 2, using: &random)
        let counts = LayerSplit.loadCounts(of: demand)
        #expect(counts[0][1] == .infinity)
        for (first, second) in [(2, 2), (3, 5), (6, 8)] {
            let replay = CacheReplay(
                of: demand,
                slotCounts: SlotCounts(high: first + second),
                policy: .lru,
                quotas: [first, second]
            )
            #expect(Double(replay.highLoads) == counts[0][first] + counts[1][second])
        }
    }

    @Test("AdapMoE: sure gates and foreseen experts take loads away")
    func expectedLoads() {
        let loads = LayerSplit.expectedLoads(
            [[.infinity, 8, 4], [.infinity, 6, 0]],
            singleRates: [0.5, 0],
            prefetchAccuracies: [0, 0.5]
        )
        #expect(loads == [[.infinity, 6, 3], [.infinity, 3, 0]])
    }
}

/// Passes that need 1 to `most` experts each, some more often than others.
func randomDemand(
    passes: Int,
    experts: [Int],
    most: Int,
    lowShare: Double = 0,
    using random: inout SeededRandom
) -> ExpertDemand {
    var demand = ExpertDemand(expertCounts: experts)
    let layers = experts.indices.filter { experts[$0] > 0 }
    for pass in 0..<passes {
        let layer = layers[pass % layers.count]
        if pass % 70 == 0 { demand.beginSequence() }
        let needs = (0..<1 + Int(random.next() % UInt64(most))).map { _ in
            let skewed = random.unit() * random.unit()
            return ExpertDemand.Need(
                ExpertID(layer, Int(skewed * Double(experts[layer]))),
                tier: random.unit() < lowShare ? .low : .high
            )
        }
        demand.append(layer: LayerIndex(layer), needs)
    }
    return demand
}

/// The fewest loads over every choice of who stays.
private func leastLoads(_ demand: ExpertDemand, slotCount: Int) -> Int {
    var states: [Set<ExpertID>: Int] = [[]: 0]
    for needs in demand.needsByPass {
        var next: [Set<ExpertID>: Int] = [:]
        for (state, loads) in states {
            let missing = needs.subtracting(state).count
            for kept in subsets(of: state.subtracting(needs))
            where
                kept.count + needs.count <= slotCount
            {
                let after = kept.union(needs)
                next[after] = min(next[after] ?? .max, loads + missing)
            }
        }
        states = next
    }
    return states.values.min() ?? 0
}

private func subsets(of experts: Set<ExpertID>) -> [Set<ExpertID>] {
    experts.sorted().reduce(into: [[]]) { all, expert in
        all += all.map { $0.union([expert]) }
    }
}
