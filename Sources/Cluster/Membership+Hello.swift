import Model
import Placement

extension Membership {
    /// Welcomes a worker and gives it its experts, or sends it away with the reason.
    public mutating func onHello(_ hello: Hello, from peer: PeerID, now: Instant) -> [Action] {
        if let refusal = refusal(of: hello, from: peer, now: now) {
            drops.count(.refusedHello)
            return [.refuse(peer, refusal.code, refusal.text)]
        }
        guard let incarnation = incarnation(for: hello, from: peer) else {
            drops.count(.refusedHello)
            return [.refuse(peer, .malformed, "incarnation numbers are used up")]
        }
        var actions: [Action] = []
        if incarnation != members[hello.name]?.incarnation {
            disconnect(hello.name, loss: .replaced, now: now, &actions)
        }
        if incarnation > lastIncarnation {
            lastIncarnation = incarnation
            actions.append(.recordIncarnation(incarnation))
        }
        connect(hello, incarnation, peer, now: now)
        actions.append(.welcome(peer, hello.name, incarnation))
        if plan != nil { assign(hello.name, now: now, &actions) }
        return finish(actions, now: now)
    }

    private mutating func connect(
        _ hello: Hello,
        _ incarnation: Incarnation,
        _ peer: PeerID,
        now: Instant
    ) {
        let name = hello.name
        var member = members[name] ?? Member(name: name)
        if let old = member.peer { names[old] = nil }
        if member.incarnation != incarnation { member.vitals = Vitals() }
        member.incarnation = incarnation
        member.peer = peer
        member.link = .connected
        member.load = .unassigned
        member.isHolding = false
        member.isFull = false
        member.memoryByteCount = hello.memoryByteCount
        member.isDraining = false
        member.lastHeard = now
        members[name] = member
        names[peer] = name
    }

    /// The number of this life: a known one goes on, a new process gets the next.
    ///
    /// After a restart of the coordinator, workers come back with numbers from before; those stay
    /// theirs unless another worker has them.
    private func incarnation(for hello: Hello, from peer: PeerID) -> Incarnation? {
        if let member = members[hello.name], isSameLife(hello, as: member, from: peer) {
            return member.incarnation
        }
        let claimed = hello.incarnation
        let hasLived = (members[hello.name]?.incarnation ?? .unnumbered) != .unnumbered
        if claimed != .unnumbered, claimed <= setup.lastIncarnation, !hasLived,
            !members.values.contains(where: { $0.incarnation == claimed })
        {
            return claimed
        }
        let (next, overflow) = lastIncarnation.rawValue.addingReportingOverflow(1)
        return overflow ? nil : Incarnation(rawValue: next)
    }

    /// Whether a hello comes from the process that the name already stands for: over the same
    /// connection, or with its incarnation.
    private func isSameLife(_ hello: Hello, as member: Member, from peer: PeerID) -> Bool {
        guard member.incarnation != .unnumbered else { return false }
        if hello.incarnation != .unnumbered { return hello.incarnation == member.incarnation }
        return member.peer == peer && member.isConnected
    }
}

// MARK: - Refusals

extension Membership {
    private func refusal(
        of hello: Hello,
        from peer: PeerID,
        now: Instant
    ) -> (code: RefusalCode, text: String)? {
        let versions = setup.protocolVersions
        guard versions.contains(hello.protocolVersion) else {
            return (
                .protocolVersion,
                "the coordinator speaks protocol \(Self.text(versions)), worker '\(hello.name)' "
                    + "speaks \(hello.protocolVersion): install the same release on both"
            )
        }
        if let known = names[peer], known != hello.name {
            return (.malformed, "this connection is worker '\(known)' already")
        }
        if let model = hello.model, model != setup.model {
            return (
                .model,
                "worker '\(hello.name)' has another model (\(model)) than the coordinator "
                    + "(\(setup.model)): give both the same file"
            )
        }
        if let lossy = hello.lossy, !setup.allowsLossy {
            return (
                .notAllowed,
                "worker '\(hello.name)' is lossy (worker.lossy is \(lossy.name)), and the "
                    + "coordinator gives exact answers only: start the worker without --lossy, or "
                    + "set coordinator.lossy to true; jobs then say how inexact they are"
            )
        }
        return refusalOfName(hello, from: peer, now: now)
    }

    private func refusalOfName(
        _ hello: Hello,
        from peer: PeerID,
        now: Instant
    ) -> (code: RefusalCode, text: String)? {
        if let names = expectedNames, !names.contains(hello.name) {
            let list = names.sorted().map(\.rawValue).joined(separator: ", ")
            let source = plan.map { "the plan of epoch \($0.epoch)" } ?? "the coordinator"
            return (
                .unknownName,
                "\(source) names the workers \(list); there is no '\(hello.name)'"
            )
        }
        guard let member = members[hello.name] else {
            guard members.count >= setup.expected.count else { return nil }
            let list = members.keys.sorted().map(\.rawValue).joined(separator: ", ")
            return (.clusterFull, "the cluster has its \(members.count) workers: \(list)")
        }
        guard member.isConnected, !isSameLife(hello, as: member, from: peer) else { return nil }
        let silence = now - member.lastHeard
        guard silence < limits.suspicionTime else { return nil }
        return (
            .nameTaken,
            "a live worker is called '\(hello.name)' (heard of \(silence.inSeconds) ago): "
                + "give each worker its own name"
        )
    }

    private static func text(_ versions: ClosedRange<UInt32>) -> String {
        versions.count == 1
            ? "\(versions.lowerBound)" : "\(versions.lowerBound) to \(versions.upperBound)"
    }
}
