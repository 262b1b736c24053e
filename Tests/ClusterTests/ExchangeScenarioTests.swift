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
            let parked = exchange.isParked ? ", some wait" : ""
            let older = exchange.awaitsOlderPlan ? ", by an older plan" : ""
            return [exchange.isComplete ? "complete" : "awaiting \(names)\(parked)\(older)"]
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
            let actions = try apply(command, to: &exchange)
            return actions.map { $0.text(exchange) }
        }
    }

    private mutating func setUp(_ command: Scenario.Command) throws {
        var limits = Exchange.Limits()
        limits.answerTime = .seconds(try command.number("answerTime", default: 30))
        limits.absenceTime = .seconds(try command.number("absenceTime", default: 20))
        limits.attempts = UInt32(try command.number("attempts", default: 3))
        let dispatch = try Dispatch(plan: plan(command, epoch: 1))
        var exchange = Exchange(
            dispatch: dispatch,
            firstShare: ShareID(rawValue: 100),
            limits: limits
        )
        _ = exchange.follow(dispatch.workers.map { _ in true }, now: now)
        self.exchange = exchange
    }

    /// The same in every layer: expert `i` is on worker `i`, or where `on` says, as `0,1,0+1`;
    /// in shards of 32 where it says `0/1`.
    private func plan(_ command: Scenario.Command, epoch number: Int) throws -> Plan {
        let names = try command.words.map { try name($0) }
        let alone = names.indices.map { "\($0)" }.joined(separator: ",")
        let places = command["on", default: alone].split(separator: ",")
        let entries = places.map { text -> ExpertEntry in
            let holders = text.split(separator: "/").compactMap { Int($0) }
            guard holders.count < 2 else {
                return .shards(
                    holders.enumerated().map { place, worker in
                        Shard(worker: worker, from: 32 * place, to: 32 * place + 32)
                    }
                )
            }
            let workers = text.split(separator: "+").compactMap { Int($0) }
            return workers.count == 1
                ? ExpertEntry.worker(workers[0]) : ExpertEntry.replicas(workers)
        }
        return Plan(
            epoch: epoch(number),
            workers: names,
            layers: Array(repeating: entries, count: 10)
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
        let text = command.words.joined(separator: " ")
        switch command.name {
        case "begin":
            return exchange.begin(
                part: try command.number("part"),
                layer: LayerIndex(try command.number("layer")),
                routing: routing(command["rows", default: ""]),
                now: now
            ).actions
        case "refused":
            return exchange.onRefused(
                ShareID(rawValue: UInt64(try command.number("share"))),
                attempt: UInt32(try command.number("attempt", default: 1)),
                from: try command.number("from"),
                code: command.options["draining"] == nil ? .notHeld : .draining,
                reason: text,
                now: now
            )
        case "reject":
            return exchange.reject(
                try command.number("place"),
                of: Exchange.TripID(rawValue: UInt64(try command.number("trip"))),
                reason: text,
                now: now
            )
        case "lost":
            return exchange.onWorkerLost(
                try command.number("worker"),
                reason: text,
                now: now
            )
        case "serve":
            return exchange.follow(serving(command, exchange.workers.count), now: now)
        case "adopt":
            let dispatch = try Dispatch(
                plan: plan(command, epoch: command.number("epoch", default: 2))
            )
            let serving = serving(command, dispatch.workers.count)
            guard exchange.canAdopt(dispatch) else { return [] }
            return exchange.adopt(dispatch, serving: serving, now: now)
        case "recall":
            return exchange.recall(
                ShareID(rawValue: UInt64(try command.number("share"))),
                now: now
            )
        case "tick":
            return exchange.tick(now: now)
        default:
            Issue.record("unknown command \(command.name)")
            return []
        }
    }

    /// One row for each entry; `0.2` for a row with two experts.
    private func routing(_ text: String) -> Routing {
        let rows = text.split(separator: ",").map { row in
            row.split(separator: ".").compactMap { Int32($0) }
        }
        let experts = rows.flatMap { $0 }
        return Routing(
            topK: rows.first?.count ?? 1,
            experts: experts,
            weights: experts.map { Float($0) }
        )
    }

    private func serving(_ command: Scenario.Command, _ count: Int) -> [Bool] {
        guard let text = command.options["by"] else { return Array(repeating: true, count: count) }
        let workers = text.split(separator: ",").compactMap { Int($0) }
        return (0..<count).map { workers.contains($0) }
    }
}

extension Exchange.Action {
    fileprivate func text(_ exchange: Exchange) -> String {
        switch self {
        case .send(let trip, let place, let id, let attempt, let worker):
            let share = exchange.share(place, of: trip)
            let rows = (share?.rows ?? []).map { "\($0)" }.joined(separator: ",")
            return "send \(place) as share \(id) attempt \(attempt) to \(worker): rows \(rows)"
        case .park(_, let layer, let experts):
            return "park experts \(experts) of layer \(layer.rawValue)"
        case .giveUp(let worker): return "give up \(worker)"
        case .fail(let error): return "fail: \(error)"
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
