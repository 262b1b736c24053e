import Cluster
import Model
import Placement
import Testing

@Suite("Membership, by script")
struct MembershipScenarioTests {
    @Test("does what the script says", arguments: Scenario.names("membership"))
    func script(file: String) throws {
        var player = MembershipPlayer()
        try Scenario.play(file) { try player.execute($0, elapsed: $1) }
    }

    @Test("has scripts")
    func scripts() {
        #expect(Scenario.names("membership").count >= 5)
    }
}

private struct MembershipPlayer {
    var membership: Membership?
    var clock = 0

    var now: Instant { at(clock) }

    mutating func execute(_ command: Scenario.Command, elapsed: Int) throws -> [String] {
        clock += elapsed
        if command.name == "setup" {
            membership = try setUp(command)
            return []
        }
        var membership = try #require(membership, "the script starts with setup")
        defer { self.membership = membership }
        switch command.name {
        case "status":
            return [membership.status(now: now)]
        case "nodes":
            return membership.nodes(now: now).map(\.text)
        case "deadline":
            return [membership.nextDeadline.map { "in \($0 - now)" } ?? "none"]
        case "drops":
            let drops = membership.drops
            return [
                "unknownPeer=\(drops[.unknownPeer]) staleIncarnation=\(drops[.staleIncarnation]) "
                    + "staleEpoch=\(drops[.staleEpoch]) refusedHello=\(drops[.refusedHello])"
            ]
        case "change":
            let goal = try goal(command)
            let bandwidth = UInt64(try command.number("bandwidth"))
            return refusable { () throws(MigrationError) in
                try membership.change(to: goal, bandwidth: bandwidth, now: now)
            }
        case "vacate":
            let name = try name(command.words[0])
            return refusable { () throws(MigrationError) in
                try membership.vacate(name, now: now)
            }
        case "reoccupy":
            return membership.reoccupy(try name(command.words[0])).map(\.text)
        default:
            return try apply(command, to: &membership).map(\.text)
        }
    }

    private func setUp(_ command: Scenario.Command) throws -> Membership {
        let counts = command["layers", default: "2"].split(separator: ",").compactMap { Int($0) }
        let plan = try command.options["plan"].map { text in
            Plan.contiguous(
                workers: try text.split(separator: ",").map { try name(String($0)) },
                expertCounts: counts,
                epoch: epoch(try command.number("epoch", default: 1))
            )
        }
        let names = try command.options["names"].map { text in
            Membership.Expected.names(
                try text.split(separator: ",").map { try name(String($0)) }
            )
        }
        return Membership(
            setup: Membership.Setup(
                protocolVersions: 1...2,
                model: model(1),
                expertCounts: counts,
                expertByteCounts: counts.map { _ in command.numberOrZero("bytes") },
                expertWidth: 64,
                expected: try names ?? .count(command.number("expected", default: 2)),
                plan: plan,
                lastIncarnation: Incarnation(
                    rawValue: UInt64(try command.number("incarnation"))
                ),
                lastEpoch: epoch(try command.number("lastEpoch"))
            ),
            limits: limits(command)
        )
    }

    /// `change a b on=0,0+1,0/1`: who holds each expert of the only layer; `/` for equal shards.
    private func goal(_ command: Scenario.Command) throws -> Plan {
        let entries = command["on", default: ""].split(separator: ",").map { text in
            let shards = text.split(separator: "/").compactMap { Int($0) }
            guard shards.count < 2 else {
                return ExpertEntry.shards(
                    shards.enumerated().map { place, worker in
                        Shard(worker: worker, from: 32 * place, to: 32 * (place + 1))
                    }
                )
            }
            let workers = text.split(separator: "+").compactMap { Int($0) }
            return workers.count == 1
                ? ExpertEntry.worker(workers[0]) : ExpertEntry.replicas(workers)
        }
        let names = try command.words.map { try name($0) }
        return Plan(epoch: epoch(1), workers: names, layers: [entries])
    }

    private func refusable(
        _ body: () throws(MigrationError) -> [Membership.Action]
    ) -> [String] {
        do throws(MigrationError) {
            return try body().map(\.text)
        } catch {
            return ["not changed: \(error)"]
        }
    }

    /// Nobody takes over what others held unless the script says when.
    private func limits(_ command: Scenario.Command) -> Membership.Limits {
        var limits = Membership.Limits()
        let never = 1_000_000
        limits.recoveryDelay = .seconds(command.options["recovery"].flatMap { Int($0) } ?? never)
        limits.homeDelay = .seconds(10)
        return limits
    }

    private func apply(
        _ command: Scenario.Command,
        to membership: inout Membership
    ) throws -> [Membership.Action] {
        let source = peer(try command.number("peer"))
        let load = epoch(try command.number("epoch", default: 1))
        switch command.name {
        case "hello":
            return membership.onHello(try hello(command), from: source, now: now)
        case "heartbeat":
            let beat = Membership.Heartbeat(
                sequence: UInt64(try command.number("sequence")),
                incarnation: Incarnation(rawValue: UInt64(try command.number("incarnation"))),
                vitals: Membership.Vitals(
                    rowsComputed: UInt64(try command.number("rows")),
                    residentByteCount: UInt64(try command.number("resident"))
                )
            )
            return membership.onHeartbeat(beat, from: source, now: now)
        case "progress":
            return membership.onLoadProgress(
                epoch: load,
                loadedByteCount: UInt64(try command.number("loaded")),
                totalByteCount: UInt64(try command.number("total")),
                from: source,
                now: now
            )
        case "loaded":
            return membership.onLoaded(epoch: load, from: source, now: now)
        case "failed":
            return membership.onLoadFailed(
                epoch: load,
                code: .wrongDigest,
                reason: command.words.joined(separator: " "),
                from: source,
                now: now
            )
        case "goodbye":
            let reason = command.words.joined(separator: " ")
            return membership.onGoodbye(reason: reason, from: source, now: now)
        case "drain":
            return membership.onDrain(from: source, now: now)
        case "ask-to-drain":
            return membership.drain(try name(command.words[0]), now: now)
        case "adopted":
            return membership.onAdopted(load, now: now)
        case "shut-down":
            return membership.shutDown()
        case "tick":
            return membership.tick(now: now)
        default:
            Issue.record("unknown command \(command.name)")
            return []
        }
    }

    private func hello(_ command: Scenario.Command) throws -> Membership.Hello {
        Membership.Hello(
            protocolVersion: UInt32(try command.number("version", default: 2)),
            name: try name(command.words[0]),
            incarnation: Incarnation(rawValue: UInt64(try command.number("incarnation"))),
            model: try command.options["model"] == nil ? nil : model(command.number("model")),
            memoryByteCount: UInt64(try command.number("memory"))
        )
    }
}

extension Membership.Action {
    fileprivate var text: String {
        switch self {
        case .recordIncarnation(let incarnation): "record incarnation \(incarnation)"
        case .record(let plan):
            "record plan of epoch \(plan.epoch): "
                + zip(plan.workers, plan.expertCounts).map { "\($0) \($1)" }
                .joined(separator: ", ")
        case .prepare(let epoch, let copies, let byteCount):
            "prepare epoch \(epoch): \(copies) copies, \(byteCount) bytes"
        case .change(let stages, let copies, let byteCount):
            "change in \(stages) stages: \(copies) copies, \(byteCount) bytes"
        case .recordDrained(let names):
            "record drained: \(names.sorted().map(\.rawValue).joined(separator: " "))"
        case .changed(let epoch): "changed at epoch \(epoch)"
        case .unchanged(let reason): "unchanged: \(reason)"
        case .abandon(let epoch, let reason): "abandon epoch \(epoch): \(reason)"
        case .refuse(let peer, let code, let text): "refuse \(peer) \(code): \(text)"
        case .welcome(let peer, let name, let incarnation):
            "welcome \(peer) \(name) incarnation \(incarnation)"
        case .sendManifest(let peer): "manifest to \(peer)"
        case .assign(let peer, let epoch, let experts, let bandwidth, _):
            "assign to \(peer) epoch \(epoch): \(experts.text)"
                + bandwidth.paceText
        case .replyHeartbeat(let peer, let sequence): "reply to \(peer) heartbeat \(sequence)"
        case .drain(let peer): "drain \(peer)"
        case .lost(let name, let loss): "lost \(name): \(loss)"
        case .returned(let name): "returned \(name)"
        case .serving(let lives):
            "serving \(lives.map { $0.map { "\($0)" } ?? "-" }.joined(separator: " "))"
        case .becameReady(let epoch): "ready at epoch \(epoch)"
        case .becameUnready(let text): "unready: \(text)"
        }
    }
}

extension Membership.Node {
    fileprivate var text: String {
        let silence = silentFor.map { "\($0.components.attoseconds / 1_000_000_000_000_000)" }
        let seconds = silentFor.map { "\($0.components.seconds)" } ?? "never"
        return "\(member.name) \(state.rawValue) incarnation=\(member.incarnation) "
            + "experts=\(expertCount) rows=\(member.vitals.rowsComputed) "
            + "silent=\(seconds)" + (silence.map { "s\($0)ms" } ?? "")
            + (message.isEmpty ? "" : ": \(message)")
    }
}

extension Scenario.Command {
    fileprivate func numberOrZero(_ option: String) -> Int { Int(self[option, default: "0"]) ?? 0 }
}
