import Cluster
import Model
import Placement
import Testing

@Suite("A worker's session, by script")
struct SessionScenarioTests {
    @Test("does what the script says", arguments: Scenario.names("session"))
    func script(file: String) throws {
        var player = SessionPlayer()
        try Scenario.play(file) { try player.execute($0, elapsed: $1) }
    }

    @Test("has scripts")
    func scripts() {
        #expect(Scenario.names("session").count >= 5)
    }
}

private struct SessionPlayer {
    var session: WorkerSession?
    var clock = 0

    var now: Instant { at(clock) }

    mutating func execute(_ command: Scenario.Command, elapsed: Int) throws -> [String] {
        clock += elapsed
        if command.name == "setup" {
            session = WorkerSession(
                identity: WorkerSession.Identity(
                    protocolVersion: 2,
                    name: try name("a"),
                    model: try command.options["model"] == nil
                        ? nil : model(command.number("model"))
                ),
                seed: 1
            )
            return []
        }
        var session = try #require(session, "the script starts with setup")
        defer { self.session = session }
        switch command.name {
        case "state":
            return [session.text]
        case "sleep":
            // To the next deadline, as the shell does.
            let deadline = try #require(session.nextDeadline)
            let start = clock
            clock = Int(deadline.nanoseconds / 1_000_000) + 1
            return ["after \(clock - start) ms:"] + session.tick(now: now).map(\.text)
        case "can-serve":
            let experts = command.words.compactMap { UInt32($0) }
            let layer = LayerIndex(try command.number("layer"))
            return [session.refusal(of: experts, in: layer).map { "\($0)" } ?? "yes"]
        default:
            let actions = try fromCoordinator(command, &session) ?? fromWorker(command, &session)
            return actions.map(\.text)
        }
    }

    private func fromCoordinator(
        _ command: Scenario.Command,
        _ session: inout WorkerSession
    ) throws -> [WorkerSession.Action]? {
        let load = epoch(try command.number("epoch", default: 1))
        switch command.name {
        case "welcome":
            let welcome = WorkerSession.Welcome(
                incarnation: Incarnation(rawValue: UInt64(try command.number("incarnation"))),
                heartbeatInterval: .milliseconds(try command.number("interval", default: 500)),
                silenceLimit: .milliseconds(try command.number("silence", default: 5000))
            )
            return session.onWelcome(welcome, now: now)
        case "refusal":
            let codes = RefusalCode.allCases.filter { "\($0)" == command.words[0] }
            let reason = command.words.dropFirst().joined(separator: " ")
            return session.onRefusal(try #require(codes.first), reason: reason, now: now)
        case "manifest":
            let manifest = WorkerSession.Manifest(
                model: model(try command.number("model", default: 1)),
                layerCount: 2,
                expertCount: 4
            )
            return session.onManifest(manifest, now: now)
        case "assign":
            let experts = try command.words.map { try assigned($0) }
            return session.onAssignment(
                epoch: load,
                experts: experts,
                bandwidth: UInt64(try command.number("bandwidth")),
                serial: UInt64(try command.number("serial")),
                now: now
            )
        case "reply":
            session.onHeartbeatReply(now: now)
            return []
        case "asked-to-drain":
            return session.onDrain(now: now)
        default:
            return nil
        }
    }

    private func fromWorker(
        _ command: Scenario.Command,
        _ session: inout WorkerSession
    ) throws -> [WorkerSession.Action] {
        let load = epoch(try command.number("epoch", default: 1))
        switch command.name {
        case "start": return session.start(now: now)
        case "tick": return session.tick(now: now)
        case "loaded": return session.onLoaded(epoch: load)
        case "drain": return session.drain(now: now)
        case "idle": return session.onIdle()
        case "stop": return session.stop(reason: command.words.joined(separator: " "))
        case "failed":
            return session.onLoadFailed(
                epoch: load,
                code: .wrongDigest,
                reason: command.words.joined(separator: " "),
                now: now
            )
        case "progress":
            return session.onLoadProgress(
                epoch: load,
                loadedByteCount: UInt64(try command.number("loaded")),
                totalByteCount: UInt64(try command.number("total")),
                now: now
            )
        default:
            Issue.record("unknown command \(command.name)")
            return []
        }
    }

    /// `1/2` or, with another digest than usual, `1/2#7`; `1/2@0-32` for a shard.
    private func assigned(_ word: String) throws -> WorkerSession.AssignedExpert {
        let halves = word.split(separator: "@")
        let numbers = halves[0].split { $0 == "/" || $0 == "#" }.compactMap { Int($0) }
        let ends = halves.dropFirst().flatMap { $0.split(separator: "-").compactMap { Int($0) } }
        return WorkerSession.AssignedExpert(
            ExpertSlice(
                expert(numbers[0], numbers[1]),
                dimensions: ends.count == 2 ? ends[0]..<ends[1] : nil
            ),
            digest: digest(numbers.count > 2 ? numbers[2] : 0)
        )
    }
}

extension WorkerSession {
    fileprivate var text: String {
        let phase =
            switch self.phase {
            case .idle: "idle"
            case .waiting: "waiting"
            case .greeting: "greeting"
            case .welcomed: "welcomed"
            case .refused(let code, let reason, _): "refused (\(code): \(reason))"
            case .stopped: "stopped"
            }
        let loading =
            switch self.loading {
            case .none: "nothing to load"
            case .underWay(let load): "loading \(load.loaded) of \(load.total)"
            case .done(let epoch): "loaded epoch \(epoch)"
            case .failed(let code, let reason, _): "failed (\(code): \(reason))"
            }
        return "\(phase), incarnation \(incarnation), \(loading), \(heldExpertCount) held"
            + (isDraining ? ", draining" : "")
    }
}

extension WorkerSession.Action {
    fileprivate var text: String {
        switch self {
        case .connect: "connect"
        case .sayHello(let hello):
            "hello \(hello.name) incarnation \(hello.incarnation), "
                + "model \(hello.model.map { "\($0.headerDigest[0])" } ?? "none"), "
                + "epoch \(hello.heldEpoch.map { "\($0)" } ?? "none"), "
                + "\(hello.heldExpertCount) held"
        case .drop(let parts): "drop \(parts.text)"
        case .arrange(let epoch, let later): "from epoch \(epoch) on \(later.text)"
        case .cancelLoad(let epoch): "cancel load of epoch \(epoch)"
        case .load(let epoch, let experts, let bandwidth):
            "load for epoch \(epoch): \(experts.map(\.text).joined(separator: " "))"
                + bandwidth.paceText
        case .reportProgress(let epoch, let loaded, let total):
            "report epoch \(epoch): \(loaded) of \(total)"
        case .reportLoaded(let epoch): "report epoch \(epoch): loaded"
        case .reportLoadFailed(let epoch, let code, let reason):
            "report epoch \(epoch): failed (\(code): \(reason))"
        case .sendHeartbeat(let sequence, let incarnation):
            "heartbeat \(sequence) of incarnation \(incarnation)"
        case .announceDrain: "announce drain"
        case .sayGoodbye(let reason): "goodbye: \(reason)"
        case .stop: "stop"
        }
    }
}

extension WorkerSession.AssignedExpert {
    fileprivate var text: String { [part].text }
}
