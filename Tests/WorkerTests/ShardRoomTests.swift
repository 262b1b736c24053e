import Experts
import Testing
import Worker

@Suite("Shards of experts beside a memory budget")
struct ShardRoomTests {
    /// With `shards` bytes of shards among what is fixed, as a worker reckons.
    private func room(
        _ shards: Int,
        of budget: Int,
        slot: Int = 10
    ) throws -> (ShardRoom, slotCount: Int) {
        let needs = MemoryPlan.Needs(
            fixed: 100 + shards,
            slot: slot,
            experts: 640,
            expertCount: 64,
            leastSlots: 4
        )
        let plan = try MemoryPlan(budget: budget, needs)
        return (ShardRoom(shards, of: budget, needs), plan.equalSlotCount)
    }

    @Test("They take slots from experts on disk, and no more than they were reckoned with")
    func counted() throws {
        let (none, all) = try room(0, of: 500)
        #expect(all == 40 && none.holds(0) && !none.holds(1))
        let (some, fewer) = try room(200, of: 500)
        #expect(fewer == 20 && some.holds(200) && !some.holds(201))
        #expect(throws: MemoryPlanError.self) { try room(361, of: 500) }
    }

    @Test("What is left where everything is in memory is for them, too")
    func spare() throws {
        let (large, slotCount) = try room(50, of: 1000)
        #expect(slotCount == 64 && large.byteCount == 260 && large.holds(260))
    }

    @Test("Slots are as large as the largest layer's experts, which may be more than all take")
    func unequal() throws {
        // 900 bytes for 640 of experts, of which some have 16.
        let (room, slotCount) = try room(0, of: 1000, slot: 16)
        #expect(slotCount == 56 && !room.holds(1))
        let (whole, all) = try self.room(0, of: 1124 + 6, slot: 16)
        #expect(all == 64 && whole.byteCount == 6)
    }
}
