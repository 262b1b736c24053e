import Cluster
import Model
import Placement
import Testing

@Suite("An exchange, by script")
struct ExchangeScenarioTests {
    @Test("does what the script says", arguments: Scenario.names("exchange"))
    func script(file: String) throws {
        var player = ExchangePlayer()
        try Scenario.play(file) { try player.execute($0, elapsed: $1) }
    }

    @Test("has scripts")
    func scripts() {
        #expect(Scenario.names("exchange").count >= 3)
    }
}

private struct ExchangePlayer {
    var exchange: Exchange?
    /// Where a worker's shares go instead, once replicas exist.
    var replicas: [Int: Int] = [:]
    var clock = 0

    var now: Instant { at(clock) }

    mutating func execute(_ command: Scenario.Command, elapsed: Int) throws -> [String] {
        clock += elapsed
        if command.name == "setup" {
            try setUp(command)
            return []
        }
        var exchange = try #require(exchange, "the script starts with setup")
        defer { self.exchange = exchange }
        switch command.name {
        case "state":
            let names = exchange.awaited.map(String.init).joined(separator: ",")
            return [exchange.isComplete ? "complete" : "awaiting \(names)"]
        case "deadline":
            return [exchange.nextDeadline.map { "in \($0 - now)" } ?? "none"]
        case "strays":
            let strays = exchange.strays
            return [
                "unknown=\(strays[.unknownShare]) late=\(strays[.late]) "
                    + "duplicate=\(strays[.duplicate]) wrongEpoch=\(strays[.staleEpoch]) "
                    + "wrongWorker=\(strays[.wrongWorker])"
            ]
        case "cancel":
            exchange.cancel()
            return []
        case "reply":
            return [try reply(command, to: &exchange).text]
        default:
            return try apply(command, to: &exchange).map(\.text)
        }
    }

    private mutating func setUp(_ command: Scenario.Command) throws {
        var limits = Exchange.Limits()
        limits.answerTime = .seconds(try command.number("answerTime", default: 30))
        limits.attempts = UInt32(try command.number("attempts", default: 3))
        replicas = [:]
        for pair in command["replicas", default: ""].split(separator: ",") {
            let ends = pair.split(separator: ">").compactMap { Int($0) }
            replicas[ends[0]] = ends[1]
        }
        exchange = Exchange(
            epoch: epoch(1),
            workers: try command.words.map { try name($0) },
            firstShare: ShareID(rawValue: 100),
            limits: limits
        )
    }

    private func reply(
        _ command: Scenario.Command,
        to exchange: inout Exchange
    ) throws -> Exchange.Reply {
        exchange.onReply(
            ShareID(rawValue: UInt64(try command.number("share"))),
            attempt: UInt32(try command.number("attempt", default: 1)),
            epoch: epoch(try command.number("epoch", default: 1)),
            from: try command.number("from")
        )
    }

    private func apply(
        _ command: Scenario.Command,
        to exchange: inout Exchange
    ) throws -> [Exchange.Action] {
        let replica: Exchange.Replica = { _, _, worker in replicas[worker] }
        let text = command.words.joined(separator: " ")
        switch command.name {
        case "begin":
            return exchange.begin(
                layer: LayerIndex(try command.number("layer")),
                recipients: command["to", default: ""].split(separator: ",").compactMap { Int($0) },
                now: now
            ).actions
        case "refused":
            return exchange.onRefused(
                ShareID(rawValue: UInt64(try command.number("share"))),
                attempt: UInt32(try command.number("attempt", default: 1)),
                from: try command.number("from"),
                code: .notHeld,
                reason: text,
                now: now,
                replica: replica
            )
        case "lost":
            let worker = try command.number("worker")
            return exchange.onWorkerLost(worker, reason: text, now: now, replica: replica)
        case "tick":
            return exchange.tick(now: now, replica: replica)
        default:
            Issue.record("unknown command \(command.name)")
            return []
        }
    }
}

extension Exchange.Action {
    fileprivate var text: String {
        switch self {
        case .send(_, let share, let id, let attempt, let worker):
            "send \(share) as share \(id) attempt \(attempt) to \(worker)"
        case .fail(let error): "fail: \(error)"
        }
    }
}

extension Exchange.Reply {
    fileprivate var text: String {
        switch self {
        case .accept(let trip, let share, let isLast):
            "accept \(share) of trip \(trip.rawValue)\(isLast ? ", complete" : "")"
        case .drop(let stray): "drop \(stray)"
        }
    }
}
