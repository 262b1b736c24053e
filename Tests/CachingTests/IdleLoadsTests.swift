import Caching
import Model
import Testing

@Suite("What is loaded while nothing is asked for")
struct IdleLoadsTests {
    private static let numbering = ExpertNumbering(expertCounts: [3, 0, 3])

    private func task(
        prompts: [Int],
        answer: Double,
        _ frequencies: [[Double]],
        isSensitive: [Bool] = [true, true]
    ) -> TaskDemand {
        TaskDemand(
            inputTokens: prompts,
            outputTokens: answer,
            frequencies: frequencies,
            isSensitive: isSensitive
        )
    }

    @Test("Experts are ranked by the tokens that all requests are expected to bring them")
    func ranking() {
        // 10 + 20 + 2 x 35 tokens of one task, 50 + 50 of the other.
        let ranked = ResidentExperts.ranked(
            for: [
                task(prompts: [10, 20], answer: 35, [[0.6, 0.4, 0], [0.9, 0.1, 0]]),
                task(prompts: [50], answer: 50, [[0, 0.7, 0.3], [0, 0.5, 0.5]]),
            ],
            numbering: Self.numbering
        )
        // 60, 110, 30 and 90, 60, 50.
        let expected = [
            ExpertID(0, 1), ExpertID(2, 0), ExpertID(0, 0), ExpertID(2, 1), ExpertID(2, 2),
            ExpertID(0, 2),
        ]
        #expect(ranked == expected)
    }

    @Test("Who gets nothing is not ranked, nor are layers that nobody depends on")
    func unused() {
        let demand = task(
            prompts: [10],
            answer: 0,
            [[0.5, 0.5, 0], [1, 0, 0]],
            isSensitive: [true, false]
        )
        let ranked = ResidentExperts.ranked(for: [demand], numbering: Self.numbering)
        #expect(ranked == [ExpertID(0, 0), ExpertID(0, 1)])
        #expect(ResidentExperts.ranked(for: [], numbering: Self.numbering).isEmpty)
    }

    @Test("As many are wanted as there are slots; each is named once until something is asked for")
    func loads() {
        var loads = IdleLoads(slotCount: 2)
        #expect(loads.nextExpert { _ in true } == nil)
        loads.adopt([ExpertID(0, 2), ExpertID(2, 1), ExpertID(0, 0)])
        #expect(loads.wanted == [ExpertID(0, 2), ExpertID(2, 1)])
        #expect(loads.nextExpert { $0.layer.rawValue == 2 } == ExpertID(2, 1))
        #expect(loads.nextExpert { _ in true } == nil)
        loads.restart()
        #expect(loads.nextExpert { _ in true } == ExpertID(0, 2))
        loads.adopt([ExpertID(0, 1)])
        #expect(loads.nextExpert { _ in true } == ExpertID(0, 1))
        #expect(loads.nextExpert { _ in true } == nil)
    }

    @Test("Who is wanted takes an empty slot, and the place of nobody")
    func places() {
        var slots = ExpertSlots(
            expertCounts: [4, 4],
            slotCounts: SlotCounts(high: 3),
            policy: .lru
        )
        slots.pass(0, [0])
        slots.pass(1, [1])
        #expect(slots.prepare(ExpertID(9, 9), tier: .high) == nil)
        let place = slots.prepare(ExpertID(1, 3), tier: .high)
        #expect(place != nil && place?.evicted == nil)
        #expect(slots.prepare(ExpertID(1, 2), tier: .high) == nil, "it is held")
        slots.release(ExpertID(1, 3), tier: .high)
        #expect(slots.prepare(ExpertID(1, 2), tier: .high) == nil, "there is no empty slot")
        // Whoever is asked for takes its place as that of any other.
        slots.pass(0, [2, 3])
        slots.pass(1, [0])
        #expect(slots.experts() == [ExpertID(0, 2), ExpertID(0, 3), ExpertID(1, 0)])
    }
}
