import Cluster
import Model
import Placement
import Testing

/// Peers that say anything in any order: nothing traps, nothing grows, the books stay straight.
@Suite("Nonsense from peers")
struct JunkTests {
    @Test("leaves membership consistent and bounded", arguments: 0..<50 as Range<UInt64>)
    func membership(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        var membership = Membership(
            setup: Membership.Setup(
                protocolVersions: 1...1,
                model: model(1),
                expertCounts: [3, 0, 5],
                expected: seed % 2 == 0 ? .count(3) : .names([try name("w0"), try name("w1")]),
                lastIncarnation: Incarnation(rawValue: seed % 5 == 0 ? .max - 2 : 0),
                lastEpoch: Epoch(rawValue: seed % 7 == 0 ? .max : 0)
            )
        )
        var twin = membership
        var isReady = false
        for _ in 0..<400 {
            let event = try JunkEvent(using: &generator)
            let actions = event.apply(to: &membership)
            #expect(actions == event.apply(to: &twin), "seed \(seed)")
            for action in actions {
                if case .becameReady = action { isReady = true }
                if case .becameUnready = action { isReady = false }
            }
            #expect(isReady == membership.isReady, "seed \(seed)")
            try check(membership, now: event.now, seed: seed)
        }
        #expect(membership == twin, "seed \(seed)")
    }

    @Test("leaves a session alive and bounded", arguments: 0..<50 as Range<UInt64>)
    func session(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        var limits = WorkerSession.Limits()
        limits.experts = 6
        limits.firstWait = seed % 3 == 0 ? .zero : .milliseconds(100)
        limits.longestWait = seed % 4 == 0 ? .seconds(Int64.max) : .seconds(2)
        var session = WorkerSession(
            identity: WorkerSession.Identity(protocolVersion: 1, name: try name("a"), model: nil),
            seed: seed,
            limits: limits
        )
        _ = session.start(now: Instant(nanoseconds: 0))
        var twin = session
        for _ in 0..<400 {
            var copy = generator
            let actions = junk(&session, using: &generator)
            #expect(actions == junk(&twin, using: &copy), "seed \(seed)")
            #expect(session.heldExpertCount <= limits.experts, "seed \(seed)")
            #expect(session.nextDeadline != nil, "seed \(seed): it gave up")
        }
        #expect(session == twin, "seed \(seed)")
    }

    private func check(_ membership: Membership, now: Instant, seed: UInt64) throws {
        let nodes = membership.nodes(now: now)
        #expect(nodes.count <= 3, "seed \(seed)")
        #expect(!membership.status(now: now).isEmpty)
        for node in nodes where node.member.isConnected {
            let peer = try #require(membership.peer(of: node.member.name), "seed \(seed)")
            #expect(membership.name(of: peer) == node.member.name, "seed \(seed)")
        }
        let numbers = nodes.map(\.member.incarnation).filter { $0 != .unnumbered }
        #expect(Set(numbers).count == numbers.count, "seed \(seed): a number was given twice")
        #expect(membership.isReady == membership.missing(now: now).isEmpty, "seed \(seed)")
    }

    private func junk(
        _ session: inout WorkerSession,
        using generator: inout SeededRandom
    ) -> [WorkerSession.Action] {
        let now = Instant(nanoseconds: extreme(&generator))
        let number = epoch(Int.random(in: 0..<4, using: &generator))
        switch Int.random(in: 0..<10, using: &generator) {
        case 0: return session.start(now: now)
        case 1:
            return session.onRefusal(
                RefusalCode.allCases.randomElement(using: &generator) ?? .model,
                reason: String(repeating: "é", count: 1000),
                now: now
            )
        case 2:
            return session.onManifest(
                WorkerSession.Manifest(
                    model: model(Int.random(in: 0..<2, using: &generator)),
                    layerCount: 2,
                    expertCount: 3
                ),
                now: now
            )
        case 3, 4:
            let experts = (0..<Int.random(in: 0..<8, using: &generator)).map { _ in
                WorkerSession.AssignedExpert(
                    expert(
                        Int.random(in: -1..<3, using: &generator),
                        Int.random(in: 0..<4, using: &generator)
                    ),
                    digest: digest(Int.random(in: 0..<2, using: &generator))
                )
            }
            return session.onAssignment(epoch: number, experts: experts, now: now)
        case 5: return session.onLoaded(epoch: number)
        case 6: return session.onLoadFailed(epoch: number, code: .unreadable, reason: "", now: now)
        case 7:
            return session.onLoadProgress(
                epoch: number,
                loadedByteCount: generator.next(),
                totalByteCount: generator.next(),
                now: now
            )
        case 8:
            return session.onWelcome(
                WorkerSession.Welcome(
                    incarnation: Incarnation(rawValue: generator.next()),
                    heartbeatInterval: .seconds(extreme(&generator)),
                    silenceLimit: .seconds(extreme(&generator))
                ),
                now: now
            )
        default: return session.tick(now: now)
        }
    }
}

private func extreme(_ generator: inout SeededRandom) -> Int64 {
    switch Int.random(in: 0..<8, using: &generator) {
    case 0: .max
    case 1: .min
    case 2: 0
    default: Int64.random(in: 0..<20_000_000_000, using: &generator)
    }
}

/// One input to membership, so that it can be applied twice.
private struct JunkEvent {
    let kind: Int
    let peer: PeerID
    let name: WorkerName
    let number: UInt64
    let now: Instant

    init(using generator: inout SeededRandom) throws {
        kind = Int.random(in: 0..<10, using: &generator)
        peer = ClusterTests.peer(Int.random(in: 0..<6, using: &generator))
        name = try ClusterTests.name("w\(Int.random(in: 0..<5, using: &generator))")
        number =
            Int.random(in: 0..<9, using: &generator) == 0
            ? .max : UInt64.random(in: 0..<6, using: &generator)
        now = Instant(nanoseconds: extreme(&generator))
    }

    func apply(to membership: inout Membership) -> [Membership.Action] {
        let incarnation = Incarnation(rawValue: number)
        let epoch = Epoch(rawValue: number)
        switch kind {
        case 0: return membership.tick(now: now)
        case 1: return membership.onGoodbye(reason: "bye", from: peer, now: now)
        case 2: return membership.onDrain(from: peer, now: now)
        case 3: return membership.drain(name, now: now)
        case 4:
            let beat = Membership.Heartbeat(sequence: number, incarnation: incarnation)
            return membership.onHeartbeat(beat, from: peer, now: now)
        case 5, 6: return membership.onLoaded(epoch: epoch, from: peer, now: now)
        case 7:
            return membership.onLoadProgress(
                epoch: epoch,
                loadedByteCount: number,
                totalByteCount: number / 2,
                from: peer,
                now: now
            )
        default:
            let hello = Membership.Hello(protocolVersion: 1, name: name, incarnation: incarnation)
            return membership.onHello(hello, from: peer, now: now)
        }
    }
}
