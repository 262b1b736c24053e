import Cluster
import Placement
import Wire

/// What clients want of plans, decided about in the turn in which they asked.
enum PlanWish {
    case change(ChangePlan)
    case drain(DrainNode)
}

// Plans as clients see and want them.
extension WorkerDesk {
    var planInForce: PlanInForce {
        let plan = membership.plan.map { String(decoding: $0.json(), as: UTF8.self) }
        return PlanInForce(
            json: plan ?? "",
            stage: membership.migration?.stage ?? 0,
            stageCount: membership.migration?.stageCount ?? 0
        )
    }

    var planHistory: PlanHistory { PlanHistory(jsonLines: diary.jsonLines) }

    /// Begins to do what a client wants, or says why not.
    mutating func grant(_ wish: PlanWish) -> ChangeReply {
        let actions: [Membership.Action]
        do {
            switch wish {
            case .change(let wish): actions = try change(wish)
            case .drain(let drain): actions = try self.drain(drain)
            }
        } catch {
            return ChangeReply(isBegun: false, message: "\(error)")
        }
        perform(actions)
        let change = actions.lazy.compactMap { action in
            if case .change(let stages, let copies, let bytes) = action {
                (stages: stages, copies: copies, bytes: bytes)
            } else {
                nil
            }
        }.first
        guard let change else {
            return ChangeReply(isBegun: true, message: "nothing is to be moved")
        }
        return ChangeReply(
            isBegun: true,
            message: "\(change.copies) copies of experts in \(change.stages) stages",
            stageCount: change.stages,
            moveCount: UInt64(change.copies),
            byteCount: UInt64(change.bytes)
        )
    }

    private mutating func change(_ wish: ChangePlan) throws -> [Membership.Action] {
        let goal = try Plan(json: Array(wish.json.utf8))
        let setup = membership.setup
        try goal.validate(expertCounts: setup.expertCounts, expertWidth: setup.expertWidth)
        self.wish = wish.reason.isEmpty ? "asked for" : wish.reason
        return try membership.change(to: goal, bandwidth: wish.bandwidth, now: clock.now)
    }

    private mutating func drain(_ wish: DrainNode) throws -> [Membership.Action] {
        guard !wish.isOver else { return membership.reoccupy(wish.name) }
        self.wish = "\(wish.name) is drained"
        return try membership.vacate(wish.name, now: clock.now)
    }

    // MARK: The diary

    /// Workers load for a plan that nobody asked for.
    mutating func noteRecovery(copies: Int, byteCount: Int) {
        guard membership.migration == nil, let plan = membership.plan else { return }
        let reason = "others hold experts of lost workers"
        diary.begin(reason, moves: copies, byteCount: byteCount, epoch: plan.epoch)
    }

    mutating func noteInForce(_ plan: Plan) {
        let isFirst = diary.entries.isEmpty
        diary.note(
            plan.epoch,
            reason: isFirst ? "the first plan" : "all are back, copies are let go of",
            isLast: membership.migration == nil
        )
    }
}
