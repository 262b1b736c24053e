public import Placement

// The way from one plan to another while tokens flow: a stage at a time, each of which fits every
// worker's memory.
extension Membership {
    /// A change of plan that somebody asked for.
    public struct Migration: Equatable, Sendable {
        /// Stages that are not done, the present one first; never empty.
        public internal(set) var stages: [PlanChange.Stage]
        public let stageCount: Int
        /// Bytes that each worker may read per second for it, beside what it computes.
        public let bandwidth: UInt64
        /// Whether workers load for the first of the stages.
        public internal(set) var isLoading = false

        /// Counted from 1.
        public var stage: Int { stageCount - stages.count + 1 }
    }

    /// Begins to change to another plan, which was validated; its epoch is not looked at.
    ///
    /// Workers that only the new plan names may join from now on; stages that need them wait. A
    /// change that waits for somebody gives way to another.
    public mutating func change(
        to goal: Plan,
        bandwidth: UInt64 = 0,
        now: Instant
    ) throws(MigrationError) -> [Action] {
        var actions: [Action] = []
        try begin(goal, bandwidth: bandwidth, now: now, &actions)
        return finish(actions, now: now)
    }

    mutating func begin(
        _ goal: Plan,
        bandwidth: UInt64 = 0,
        now: Instant,
        _ actions: inout [Action]
    ) throws(MigrationError) {
        guard let plan else { throw .noPlanYet }
        if let migration, !isStuck {
            throw .busy(stage: migration.stage, of: migration.stageCount)
        }
        if let name = drained.sorted().first(where: { goal.gives($0) }) {
            throw .drained(name)
        }
        guard next == nil || migration != nil, kept == nil, isReady else {
            throw .notReady(status(now: now))
        }
        let change: PlanChange
        do throws(PlanChangeError) {
            change = try PlanChange(
                from: plan,
                to: goal,
                sizes: setup.expertSizes,
                room: rooms(goal)
            )
        } catch {
            throw .impossible(error)
        }
        guard !change.stages.isEmpty else { throw .sameAsNow(plan.epoch) }
        stopStage(reason: "another plan was asked for", now: now, &actions)
        // The operator's wish counts from now on, not what was before a worker was lost.
        home = nil
        migration = Migration(
            stages: change.stages,
            stageCount: change.stages.count,
            bandwidth: bandwidth > 0 ? bandwidth : .max
        )
        for name in goal.workers where members[name] == nil { members[name] = Member(name: name) }
        actions.append(
            .change(
                stages: change.stages.count,
                copies: change.moveCount,
                byteCount: change.byteCount
            )
        )
    }

    /// Whether the present stage waits for a worker that is not there.
    private var isStuck: Bool {
        guard let stage = migration?.stages.first else { return false }
        return stage.plan.workers.contains { members[$0]?.isConnected != true }
    }

    /// Gives up the change under way, if there is one, and what workers load for it.
    private mutating func stopStage(reason: String, now: Instant, _ actions: inout [Action]) {
        guard migration != nil else { return }
        if let next {
            self.next = nil
            actions.append(.abandon(next.epoch, reason: reason))
            assignAll(now: now, &actions)
        }
        giveUpMigration(reason: reason, &actions)
    }

    /// Begins the next stage, where nothing else is going on.
    mutating func migrate(now: Instant, _ actions: inout [Action]) {
        guard let stage = migration?.stages.first, migration?.isLoading == false,
            next == nil, kept == nil, isReady,
            stage.plan.workers.allSatisfy({ members[$0]?.isConnected == true }),
            let epoch = nextEpoch()
        else { return }
        migration?.isLoading = true
        next = Plan(epoch: epoch, workers: stage.plan.workers, layers: stage.plan.layers)
        let byteCount = stage.moves.reduce(0) { $0 + $1.byteCount }
        actions.append(.prepare(epoch, copies: stage.moves.count, byteCount: byteCount))
        assignAll(now: now, &actions)
    }

    /// A stage is done: the step thread uses its plan, and what it does not give goes.
    mutating func endStage(now: Instant, _ actions: inout [Action]) {
        guard let plan, migration?.isLoading == true else { return }
        migration?.isLoading = false
        migration?.stages.removeFirst()
        if migration?.stages.isEmpty == true { complete(plan, &actions) }
    }

    /// The change is done: whoever the plan does not name may leave.
    private mutating func complete(_ plan: Plan, _ actions: inout [Action]) {
        migration = nil
        actions.append(.changed(plan.epoch))
        for member in members.values.sorted(by: { $0.name < $1.name })
        where plan.index(of: member.name) == nil {
            if let peer = member.peer, member.isConnected { actions.append(.drain(peer)) }
            members[member.name]?.isDraining = member.isConnected
        }
    }

    /// Gives a change up where it stands; the plan in force stays.
    mutating func giveUpMigration(reason: String, _ actions: inout [Action]) {
        guard let goal = migration?.stages.last?.plan, let plan else { return }
        // All that is left may be to drop what the plan asked for, in force by now, does not give.
        if plan.workers == goal.workers, plan.layers == goal.layers {
            return complete(plan, &actions)
        }
        migration = nil
        actions.append(.unchanged(reason: reason))
        // Nobody waits any more for those that only the new plan named.
        guard let names = expectedNames else { return }
        members = members.filter { names.contains($0.key) || $0.value.isConnected }
    }

    /// Bytes that workers have for experts; those that say nothing have no limit.
    private func rooms(_ goal: Plan) -> [WorkerName: Int] {
        var rooms: [WorkerName: Int] = [:]
        for name in Set((plan?.workers ?? []) + goal.workers) {
            guard let memory = members[name]?.memoryByteCount, memory > 0 else { continue }
            rooms[name] = Int(min(Double(memory) * limits.memoryShare, 1e18))
        }
        return rooms
    }
}
