import Placement

extension Membership {
    /// A worker as lists show it.
    public struct Node: Equatable, Sendable {
        public let member: Member
        public let state: State
        /// Experts that the plan gives it.
        public let expertCount: Int
        /// Since its last sign of life; nil where it never joined.
        public let silentFor: Duration?
        /// What is wrong, or empty.
        public let message: String
    }

    /// Every worker that is known or expected, ordered by name.
    public func nodes(now: Instant) -> [Node] {
        members.values.sorted { $0.name < $1.name }.map { member in
            Node(
                member: member,
                state: state(of: member, now: now),
                expertCount: plan?.index(of: member.name).map { expertCounts[$0] } ?? 0,
                silentFor: member.link == .neverJoined ? nil : now - member.lastHeard,
                message: obstacle(of: member, now: now)
                    ?? (drained.contains(member.name) ? "drained: it is given no experts" : "")
            )
        }
    }

    /// How many workers the cluster needs to be complete.
    public var expectedCount: Int { plan?.workers.count ?? setup.expected.count }

    /// How many workers serve.
    public var readyCount: Int { members.values.count(where: \.isServing) }

    /// One sentence for people: ready, or what is missing and why.
    public func status(now: Instant) -> String {
        let missing = missing(now: now)
        let list = missing.joined(separator: "; ")
        guard isReady, let plan else { return "waiting for " + list + recovery }
        let ready = "ready: \(plan.workers.count - missing.count) workers, epoch \(plan.epoch)"
        return (missing.isEmpty ? ready : ready + "; without " + list) + change
    }

    /// How far a change of plans is.
    private var change: String {
        guard let migration else { return "" }
        let stage = "; changing plans, stage \(migration.stage) of \(migration.stageCount)"
        let absent = migration.stages.first?.plan.workers.filter {
            members[$0]?.isConnected != true
        }
        guard let absent, !absent.isEmpty else { return stage }
        return stage + ", waits for " + absent.map(\.rawValue).joined(separator: ", ")
    }

    /// What is being done about missing experts, or why nothing is.
    private var recovery: String {
        if let next, migration == nil {
            return "; others load its experts, for epoch \(next.epoch)"
        }
        return recoveryObstacle.isEmpty ? "" : "; \(recoveryObstacle)"
    }

    /// Workers that hold experts and do not serve, each with the reason, or what keeps the cluster
    /// from having a plan.
    public func missing(now: Instant) -> [String] {
        guard let plan else { return missingForPlan() }
        return plan.workers.indices.sorted { plan.workers[$0] < plan.workers[$1] }
            .filter { expertCounts[$0] > 0 }
            .compactMap { index in
                let name = plan.workers[index]
                guard let member = members[name] else { return "\(name) (never joined)" }
                return obstacle(of: member, now: now).map { "\(name) (\($0))" }
            }
    }

    private func missingForPlan() -> [String] {
        let joined = members.values.filter(\.isConnected).map(\.name).sorted()
        if let names = expectedNames {
            return Set(names).subtracting(joined).sorted().map { "\($0) (not connected)" }
        }
        let list = joined.isEmpty ? "" : ": " + joined.map(\.rawValue).joined(separator: ", ")
        return ["workers (\(joined.count) of \(setup.expected.count) joined\(list))"]
    }

    private func state(of member: Member, now: Instant) -> State {
        switch (member.link, member.load) {
        case (.neverJoined, _): .expected
        case (.lost, _): .lost
        case (.connected, _) where member.isDraining: .draining
        case (.connected, .failed) where !member.isHolding: .failed
        case (.connected, _) where now - member.lastHeard >= limits.suspicionTime: .suspect
        case (.connected, _) where member.isHolding: .ready
        case (.connected, .unassigned): .joined
        case (.connected, .loading): .loading
        case (.connected, .loaded), (.connected, .failed): .ready
        }
    }

    /// Why a worker does not serve, or nil where it does.
    private func obstacle(of member: Member, now: Instant) -> String? {
        switch (member.link, member.load) {
        case (.neverJoined, _): "never joined"
        case (.lost(.silent, _), _): "lost, last heard of \((now - member.lastHeard).inSeconds) ago"
        case (.lost(let loss, let since), _): "\(loss), \((now - since).inSeconds) ago"
        case (.connected, _) where member.isDraining: "draining"
        case (.connected, _) where member.isHolding: nil
        case (.connected, .failed(let code, let reason)): "failed: \(reason) (\(code))"
        case (.connected, .unassigned): "no experts assigned yet"
        case (.connected, .loading(let loaded, let total)): Self.progress(loaded, total)
        case (.connected, .loaded): nil
        }
    }

    private static func progress(_ loaded: UInt64, _ total: UInt64) -> String {
        guard total > 0 else { return "loading" }
        return "loading \(Int(100 * (Double(min(loaded, total)) / Double(total)))) %"
    }
}
