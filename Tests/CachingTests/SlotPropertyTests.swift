import Caching
import Model
import Testing

@Suite("Slots under anything that may happen")
struct SlotPropertyTests {
    private static let policies: [CachePolicy] = [
        .lru, .lfu, .hobbit(.equal), .lcu(lowCost: 0.25), .standard,
    ]

    @Test(
        "Nobody who is held gives way, nor who is expected to a guess; slots are never too few",
        arguments: policies,
        0..<8
    )
    func invariants(policy: CachePolicy, seed: Int) {
        #expect(Self.story(policy, seed: seed) == Self.story(policy, seed: seed))
    }

    /// Drives slots at random beside a plain model of them; returns who came and went.
    private static func story(_ policy: CachePolicy, seed: Int) -> [ExpertSlots.Admission?] {
        var world = World(policy: policy, seed: seed)
        for _ in 0..<1500 { world.step() }
        return world.admissions
    }

    /// Slots, and what is known of them from outside.
    private struct World {
        var slots: ExpertSlots
        var random: SeededRandom
        var owners: [Tier: [Int: ExpertID]] = [.high: [:], .low: [:]]
        var holds: [Tier: [ExpertID: Int]] = [.high: [:], .low: [:]]
        var admissions: [ExpertSlots.Admission?] = []
        var layer = 0
        let counts = SlotCounts(high: 7, low: 3)
        let quotas: [Int]?

        init(policy: CachePolicy, seed: Int) {
            random = SeededRandom(seed: UInt64(seed))
            quotas = seed.isMultiple(of: 2) ? nil : [3, 2, 2]
            slots = ExpertSlots(
                expertCounts: [6, 0, 6, 6],
                slotCounts: counts,
                policy: policy,
                quotas: quotas
            )
        }

        private mutating func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

        mutating func step() {
            let tier: Tier = draw(3) == 0 ? .low : .high
            let expert = ExpertID([0, 2, 3][draw(3)], draw(6))
            switch draw(13) {
            case 0, 1:
                layer = (layer + 1) % 4
                slots.enter(LayerIndex(layer))
            case 2: slots.use(expert, tier: tier)
            case 3: slots.expect(expert)
            case 4: remove(expert, tier)
            case 5: hold(expert, tier)
            case 6, 7: release(expert, tier)
            case 8 where draw(40) == 0: slots.beginSequence()
            case 8, 9: come(expert, tier, .expected)
            case 10: come(expert, tier, .wanted)
            default: come(expert, tier, .needed)
            }
            for tier in Tier.allCases {
                #expect(slots.count(in: tier) == owners[tier]?.count)
                #expect(slots.count(in: tier) <= counts[tier])
            }
        }

        private enum Cause { case needed, expected, wanted }

        private mutating func come(_ expert: ExpertID, _ tier: Tier, _ cause: Cause) {
            guard slots.slot(of: expert, tier: tier) == nil else { return }
            let expected = slots
            let admission =
                switch cause {
                case .needed: slots.admit(expert, tier: tier)
                case .expected: slots.prefetch(expert, tier: tier)
                case .wanted: slots.prepare(expert, tier: tier)
                }
            admissions.append(admission)
            guard let admission else { return }
            #expect((0..<counts[tier]).contains(admission.slot))
            #expect(owners[tier]?[admission.slot] == admission.evicted)
            if let evicted = admission.evicted {
                #expect(holds[tier]?[evicted] == nil, "\(evicted) was held")
                let isExpected = expected.isExpected(evicted)
                #expect(cause == .needed || !isExpected, "\(evicted) was expected")
                #expect(cause != .wanted, "\(evicted) gave way to who was only wanted")
                #expect(slots.slot(of: evicted, tier: tier) == nil)
            }
            owners[tier]?[admission.slot] = expert
            holds[tier]?[expert] = 1
            #expect(slots.slot(of: expert, tier: tier) == admission.slot)
            guard let quotas, tier == .high else { return }
            let place = [0: 0, 2: 1, 3: 2][expert.layer.rawValue] ?? 0
            let own = owners[.high]?.values.count { $0.layer == expert.layer } ?? 0
            #expect(own <= quotas[place])
        }

        private mutating func remove(_ expert: ExpertID, _ tier: Tier) {
            let slot = slots.slot(of: expert, tier: tier)
            slots.remove(expert, tier: tier)
            guard holds[tier]?[expert] == nil, let slot else { return }
            owners[tier]?[slot] = nil
            #expect(slots.slot(of: expert, tier: tier) == nil)
        }

        private mutating func hold(_ expert: ExpertID, _ tier: Tier) {
            slots.hold(expert, tier: tier)
            guard slots.slot(of: expert, tier: tier) != nil else { return }
            holds[tier]?[expert, default: 0] += 1
        }

        private mutating func release(_ expert: ExpertID, _ tier: Tier) {
            slots.release(expert, tier: tier)
            guard let count = holds[tier]?[expert] else { return }
            holds[tier]?[expert] = count > 1 ? count - 1 : nil
        }
    }
}
