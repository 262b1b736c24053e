import Model
public import Placement

// How plans follow each other: what lost workers alone held is loaded by others, under a new plan.
extension Membership {
    /// Brings the next plan into force when workers are ready for it, begins or mends one where
    /// experts are held by nobody who will be back soon, and goes back when all are.
    mutating func advance(now: Instant, _ actions: inout [Action]) {
        lastAdvance = now
        abandonFailed(now: now, &actions)
        letGo(now: now, &actions)
        adoptNext(&actions)
        recover(now: now, &actions)
        goHome(now: now, &actions)
        migrate(now: now, &actions)
    }

    /// When `advance` has something to do, even if nothing happens before.
    var advanceTime: Instant? {
        guard wasReady, let base = assigned else { return nil }
        let times = base.workers.compactMap { name -> Instant? in
            guard let member = members[name] else { return nil }
            if case .lost(_, let since) = member.link { return since + limits.recoveryDelay }
            guard case .failed = member.load else { return nil }
            return failedUntil(member)
        }
        let home = home == nil ? nil : completeSince.map { $0 + limits.homeDelay }
        return (times + [home].compactMap { $0 }).filter { $0 > lastAdvance }.min()
    }

    // MARK: The next plan

    /// One that cannot hold what it was to take over keeps what it has; others may take it.
    private mutating func abandonFailed(now: Instant, _ actions: inout [Action]) {
        guard let next else { return }
        for member in members.values.sorted(by: { $0.name < $1.name })
        where member.isConnected && member.isHolding {
            guard case .failed(_, let text) = member.load else { continue }
            members[member.name]?.isFull = true
            self.next = nil
            let reason = "worker '\(member.name)' cannot hold its part: \(text)"
            actions.append(.abandon(next.epoch, reason: reason))
            giveUpMigration(reason: reason, &actions)
            return assignAll(now: now, &actions)
        }
    }

    /// The next plan comes into force when nobody who serves would cease to, and nothing is
    /// missing; what the one before gives is held until no step needs it.
    private mutating func adoptNext(_ actions: inout [Action]) {
        guard let next, let plan, let assigned else { return }
        func isLoaded(_ name: WorkerName) -> Bool {
            members[name].map { $0.isConnected && $0.load == .loaded } ?? false
        }
        let areAllReady = assigned.workers.allSatisfy { name in
            members[name]?.isServing != true || isLoaded(name)
        }
        guard areAllReady, next.isCovered(by: { isLoaded(next.workers[$0]) }) else { return }
        var fresh = next
        let isChange = migration?.isLoading == true
        // Others load whole experts beside what they have, but a shard may take another's place.
        let isLess = isChange || !next.includes(plan)
        if isLess || kept != nil {
            // More is held than the plan gives, so it has another number than the loading.
            guard let epoch = nextEpoch() else { return }
            fresh = Plan(epoch: epoch, workers: next.workers, layers: next.layers)
            let plans = (kept?.plans ?? []) + (isLess ? [plan] : [])
            kept = Holding(epoch: next.epoch, plans: plans)
        }
        if !isChange { home = home ?? plan }
        self.next = nil
        // Whoever is away is asked what it holds when it is back.
        for name in assigned.workers where !isLoaded(name) { members[name]?.isHolding = false }
        enforce(fresh, &actions)
    }

    private mutating func enforce(_ plan: Plan, _ actions: inout [Action]) {
        self.plan = plan
        expertCounts = plan.expertCounts
        actions.append(.record(plan))
    }

    /// With everyone back for a while, what others took over is let go of: the memory is wanted for
    /// the next loss.
    ///
    /// Copies just go; shards, which their former holders do not have any more, are moved back.
    private mutating func goHome(now: Instant, _ actions: inout [Action]) {
        let isComplete = plan?.workers.allSatisfy { members[$0]?.isServing == true } ?? false
        completeSince = isComplete ? completeSince ?? now : nil
        guard let home, let since = completeSince, now >= since + limits.homeDelay,
            next == nil, kept == nil, migration == nil, let plan
        else { return }
        self.home = nil
        guard plan.includes(home) else {
            do throws(MigrationError) {
                try begin(home, now: now, &actions)
            } catch {
                actions.append(.unchanged(reason: "lost workers' shards stay: \(error)"))
            }
            return
        }
        guard let epoch = nextEpoch() else { return }
        kept = Holding(epoch: plan.epoch, plans: [plan])
        enforce(Plan(epoch: epoch, workers: home.workers, layers: home.layers), &actions)
    }

    /// The step thread uses a plan from now on.
    public mutating func onAdopted(_ epoch: Epoch, now: Instant) -> [Action] {
        adopted = epoch
        return finish([], now: now)
    }

    /// What only older plans need may go; where workers load for another plan, when that is done.
    private mutating func letGo(now: Instant, _ actions: inout [Action]) {
        guard kept != nil, next == nil, plan?.epoch == adopted else { return }
        kept = nil
        endStage(now: now, &actions)
        assignAll(now: now, &actions)
    }

    mutating func nextEpoch() -> Epoch? {
        let (next, overflow) = lastEpoch.rawValue.addingReportingOverflow(1)
        guard !overflow else { return nil }
        lastEpoch = Epoch(rawValue: next)
        return lastEpoch
    }

    mutating func assignAll(now: Instant, _ actions: inout [Action]) {
        for member in members.values.sorted(by: { $0.name < $1.name }) where member.isConnected {
            assign(member.name, now: now, &actions)
        }
    }

    // MARK: Recovery

    /// Whether a worker holds what it is given, or is about to.
    private func isUsable(_ name: WorkerName) -> Bool {
        guard let member = members[name], member.isConnected, !member.isDraining else {
            return false
        }
        if case .failed = member.load { return member.isHolding && next == nil }
        return true
    }

    /// Whether nobody should take a worker's experts over yet.
    private func isWaitedFor(_ name: WorkerName, now: Instant) -> Bool {
        guard let member = members[name] else { return true }
        return switch member.link {
        case .neverJoined: true
        // Whoever leaves is lost in a moment; whoever cannot load may find its file again.
        case .connected: isUsable(name) || member.isDraining || now < failedUntil(member)
        case .lost(_, let since): now < since + limits.recoveryDelay
        }
    }

    private func failedUntil(_ member: Member) -> Instant {
        member.loadHeard + limits.recoveryDelay
    }

    private mutating func recover(now: Instant, _ actions: inout [Action]) {
        // Half of a change is no ground to stand on.
        guard wasReady, let base = migration == nil ? next ?? plan : plan else { return }
        func isThere(_ worker: Int) -> Bool { isWaitedFor(base.workers[worker], now: now) }
        guard !base.isCovered(by: isThere) else { return recoveryObstacle = "" }
        let (fresh, homeless) = base.covered(
            where: isThere,
            free: base.workers.map(room),
            sizes: setup.expertSizes
        )
        guard homeless.isEmpty else {
            let count = homeless.count == 1 ? "" : " and \(homeless.count - 1) more"
            return recoveryObstacle = "no worker that is left can take \(homeless[0])\(count)"
        }
        recoveryObstacle = ""
        // A worker holds two parts of an expert at most: first goes what only older plans need.
        guard kept == nil || fresh.includes(base) else { return }
        guard let epoch = nextEpoch() else { return recoveryObstacle = "epochs are used up" }
        giveUpMigration(reason: "a worker was lost, whose experts others load first", &actions)
        next = Plan(epoch: epoch, workers: fresh.workers, layers: fresh.layers)
        let added = Self.added(fresh, to: base)
        let byteCount = added.reduce(0) { $0 + setup.expertSizes.byteCount(of: $1) }
        actions.append(.prepare(epoch, copies: added.count, byteCount: byteCount))
        assignAll(now: now, &actions)
    }

    /// Bytes that a worker may take over.
    ///
    /// It says what its process occupies with every heartbeat; what it is still loading counts as
    /// if it was there.
    func room(of name: WorkerName) -> Int {
        guard let member = members[name], isUsable(name), !member.isFull, !drained.contains(name)
        else { return 0 }
        guard member.memoryByteCount > 0 else { return .max }
        let memory = Double(member.memoryByteCount) * limits.memoryShare
        let occupied = max(member.vitals.residentByteCount, assignedByteCount(of: name))
        return max(0, Int(min(memory, 1e18)) - Int(clamping: occupied))
    }

    /// What workers hold by a plan and not by another of the same workers.
    private static func added(_ plan: Plan, to base: Plan) -> [ExpertSlice] {
        plan.workers.indices.flatMap { worker in
            Set(plan.slices(of: worker)).subtracting(base.slices(of: worker)).sorted()
        }
    }

    private func assignedByteCount(of name: WorkerName) -> UInt64 {
        let sizes = setup.expertSizes
        return (assigned?.slices(of: name) ?? []).reduce(0) { sum, slice in
            sum + UInt64(clamping: sizes.byteCount(of: slice))
        }
    }
}
