import CAllocations
import Caching
import Model
import Testing

@Suite("The cache of experts")
struct ExpertSlotsTests {
    private static let policies: [CachePolicy] = [
        .lru, .lfu, .hobbit(.equal), .lcu(lowCost: 0.25), .forecast(ForecastSettings()),
    ]

    private func cache(
        _ expertCounts: [Int] = [4, 4],
        high: Int = 3,
        low: Int = 0,
        policy: CachePolicy = .lru
    ) -> ExpertSlots {
        ExpertSlots(
            expertCounts: expertCounts,
            slotCounts: SlotCounts(high: high, low: low),
            policy: policy
        )
    }

    @Test("LRU: who was used longest ago gives way")
    func leastRecent() {
        var cache = cache()
        cache.pass(0, [0])
        cache.pass(1, [1])
        cache.pass(0, [2])
        cache.pass(0, [0])
        #expect(cache.pass(1, [3]) == [ExpertID(1, 1)])
        #expect(cache.pass(0, [1]) == [ExpertID(0, 2)])
        #expect(cache.experts() == [ExpertID(0, 0), ExpertID(0, 1), ExpertID(1, 3)])
    }

    @Test("LFU: who was used least in this sequence gives way, then the least recent")
    func leastFrequent() {
        var cache = cache(policy: .lfu)
        for index in [0, 0, 1, 1, 2] { cache.pass(0, [index]) }
        #expect(cache.pass(1, [0]) == [ExpertID(0, 2)])
        cache.beginSequence()
        // None was used in this sequence: the order of last uses decides.
        #expect(cache.pass(1, [1]) == [ExpertID(0, 0)])
    }

    @Test("HOBBIT: each term alone decides as the paper has it")
    func hobbit() {
        func weights(_ values: [Double]) -> CachePolicy {
            .hobbit(
                HobbitWeights(
                    recency: values[0],
                    frequency: values[1],
                    highFrequency: values[2],
                    distance: values[3]
                )
            )
        }
        let terms: [(weights: [Double], evicted: ExpertID)] = [
            // Layers 0 and 1 in the first two tokens, layer 2 in the second.
            ([1, 0, 0, 0], ExpertID(0, 0)), ([0, 1, 0, 0], ExpertID(2, 0)),
            // Layer 1 comes first after layer 0's expert is in, layer 0 itself is here.
            ([0, 0, 0, 1], ExpertID(2, 0)),
        ]
        for term in terms {
            var cache = cache([4, 4, 4], policy: weights(term.weights))
            for _ in 0..<2 {
                cache.pass(0, [0])
                cache.pass(1, [0])
            }
            cache.pass(2, [0])
            cache.pass(0, [])
            #expect(cache.pass(0, [1]) == [term.evicted], "\(term.weights)")
        }
    }

    @Test("Uses in the low tier do not count for HOBBIT's third term")
    func highFrequency() {
        let policy = CachePolicy.hobbit(
            HobbitWeights(recency: 0, frequency: 0, highFrequency: 1, distance: 0)
        )
        var cache = cache(high: 2, low: 1, policy: policy)
        cache.pass(0, [0])
        cache.pass(0, [1])
        cache.pass(0, [0], tier: .low)
        cache.pass(0, [0], tier: .low)
        cache.pass(0, [1])
        #expect(cache.pass(0, [2]) == [ExpertID(0, 0)])
        // The tiers have slots of their own.
        #expect(cache.experts(in: .low) == [ExpertID(0, 0)])
    }

    @Test("LCU: what was just used stays for its layer, else loads cost what they cost")
    func leastCost() {
        var cache = cache([4, 4, 4], policy: .lcu(lowCost: 0.25))
        for _ in 0..<3 {
            cache.pass(0, [0])
            cache.pass(1, [0])
            cache.pass(2, [0])
        }
        // In layer 0 all three were just used; layer 2 is farthest.
        #expect(cache.pass(0, [1]) == [ExpertID(2, 0)])
        cache.pass(1, [])
        cache.pass(2, [])
        cache.pass(0, [])
        cache.pass(1, [])
        cache.pass(2, [])
        cache.pass(0, [])
        // None was just used: expert 1 of layer 0 was used once, the others three times.
        #expect(cache.pass(1, [1]) == [ExpertID(0, 1)])
    }

    @Test("Forecast: the one whose next use is farthest away gives way")
    func forecast() {
        var cache = cache([4, 4, 4], high: 4, policy: .forecast(ForecastSettings()))
        // Expert 0 of each layer in every token, expert 1 of layer 1 in every second.
        for token in 0..<8 {
            cache.pass(0, [0])
            cache.pass(1, token.isMultiple(of: 2) ? [0, 1] : [0])
            cache.pass(2, [0])
        }
        cache.pass(0, [])
        #expect(cache.pass(0, [1]) == [ExpertID(1, 1)])
        // All were used in every token so far; the present layer's comes after the others'.
        var even = self.cache([4, 4, 4], policy: .forecast(ForecastSettings()))
        for _ in 0..<3 { for layer in 0..<3 { even.pass(layer, [0]) } }
        #expect(even.pass(0, [1]) == [ExpertID(0, 0)])
    }

    @Test("What is held stays; where all is held, nobody comes in", arguments: policies)
    func held(policy: CachePolicy) {
        var cache = cache(high: 2, policy: policy)
        cache.pass(0, [0, 1])
        cache.hold(ExpertID(0, 0), tier: .high)
        #expect(cache.pass(1, [0]) == [ExpertID(0, 1)])
        cache.hold(ExpertID(1, 0), tier: .high)
        #expect(cache.admit(ExpertID(1, 1), tier: .high) == nil)
        cache.remove(ExpertID(1, 0), tier: .high)
        #expect(cache.count(in: .high) == 2)
        cache.release(ExpertID(1, 0), tier: .high)
        #expect(cache.admit(ExpertID(1, 1), tier: .high)?.evicted == ExpertID(1, 0))
    }

    @Test("What is expected gives way to nobody who is not needed", arguments: policies)
    func expected(policy: CachePolicy) {
        var cache = cache([4, 4, 4], high: 2, policy: policy)
        cache.pass(0, [0])
        cache.pass(1, [0])
        cache.pass(0, [])
        cache.expect(ExpertID(1, 0))
        #expect(cache.isExpected(ExpertID(1, 0)))
        #expect(cache.prefetch(ExpertID(2, 0), tier: .high)?.evicted == ExpertID(0, 0))
        cache.release(ExpertID(2, 0), tier: .high)
        cache.expect(ExpertID(2, 0))
        #expect(cache.prefetch(ExpertID(2, 1), tier: .high) == nil)
        // Someone must: the one whose layer comes last.
        #expect(cache.pass(0, [1]) == [ExpertID(2, 0)])
    }

    @Test("Expectations end once their layer has passed")
    func lapsing() {
        var cache = cache([4, 4, 4], high: 2)
        cache.pass(0, [])
        cache.expect(ExpertID(1, 0))
        cache.expect(ExpertID(0, 3))
        cache.expect(ExpertID(9, 0))
        cache.expect(ExpertID(1, -1))
        #expect(cache.isExpected(ExpertID(0, 3)))
        cache.pass(1, [])
        #expect(cache.isExpected(ExpertID(1, 0)))
        #expect(!cache.isExpected(ExpertID(0, 3)))
        // From layer 1, layer 0 comes in the next token.
        cache.expect(ExpertID(0, 3))
        cache.pass(2, [])
        #expect(!cache.isExpected(ExpertID(1, 0)))
        #expect(cache.isExpected(ExpertID(0, 3)))
    }

    @Test("Emptied slots are taken first, and nothing is twice in a tier")
    func removing() {
        var cache = cache(high: 2)
        cache.pass(0, [0, 1])
        let slot = cache.slot(of: ExpertID(0, 0), tier: .high)
        cache.remove(ExpertID(0, 0), tier: .high)
        #expect(cache.count(in: .high) == 1)
        let admission = cache.admit(ExpertID(1, 0), tier: .high)
        #expect(admission?.slot == slot)
        #expect(admission?.evicted == nil)
        #expect(cache.slot(of: ExpertID(0, 0), tier: .high) == nil)
    }

    @Test("A tier without slots takes nobody")
    func noSlots() {
        var cache = cache(high: 0)
        #expect(cache.admit(ExpertID(0, 0), tier: .high) == nil)
        #expect(cache.admit(ExpertID(0, 0), tier: .low) == nil)
    }

    @Test("Layers without experts are passed over")
    func denseLayers() {
        var cache = cache([0, 4, 0, 4], high: 2, policy: .hobbit(.equal))
        cache.enter(LayerIndex(0))
        cache.pass(1, [0])
        cache.enter(LayerIndex(2))
        cache.expect(ExpertID(0, 0))
        #expect(!cache.isExpected(ExpertID(0, 0)))
        cache.pass(3, [0])
        #expect(cache.count(in: .high) == 2)
    }
}

@Suite("Allocations of the cache", .serialized)
struct CacheAllocationTests {
    @Test("are none, whatever the policy")
    func none() {
        let policies: [CachePolicy] = [
            .lru, .lfu, .hobbit(.equal), .lcu(lowCost: 0.25), .forecast(ForecastSettings()),
        ]
        for policy in policies {
            var cache = ExpertSlots(
                expertCounts: [16, 16],
                slotCounts: SlotCounts(high: 6, low: 3),
                policy: policy
            )
            let before = moiety_allocation_count()
            guard before >= 0 else { return }
            for token in 0..<200 {
                for layer in 0..<2 {
                    cache.enter(LayerIndex(layer))
                    let expert = ExpertID(layer, (token * 7 + layer) % 16)
                    let tier: Tier = token % 3 == 0 ? .low : .high
                    cache.expect(ExpertID(1 - layer, token % 16))
                    cache.use(expert, tier: tier)
                    if cache.slot(of: expert, tier: tier) == nil {
                        _ = cache.admit(expert, tier: tier)
                    } else {
                        cache.hold(expert, tier: tier)
                    }
                    cache.release(expert, tier: tier)
                }
            }
            #expect(moiety_allocation_count() - before == 0)
        }
    }
}
