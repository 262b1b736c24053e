import Cluster
import Model
import Placement
import Testing

@Suite("An exchange, whatever happens")
struct ExchangePropertyTests {
    @Test(
        "takes each pair of a row and an expert once, ends once, and repeats itself",
        arguments: 0..<300 as Range<UInt64>
    )
    func random(seed: UInt64) throws {
        var first = try Story(seed: seed)
        var second = try Story(seed: seed)
        #expect(first.run() == second.run(), "seed \(seed)")
    }

    /// Trips with random answers, losses, plans and waits, checked against a naive account.
    private struct Story {
        /// A row and one of its experts.
        private struct Pair: Hashable {
            let row: UInt32
            let expert: UInt32
        }

        private struct Sent {
            let trip: Exchange.TripID
            let place: Int
            let attempt: UInt32
            let epoch: Epoch
            let to: WorkerName
        }

        private var generator: SeededRandom
        private var exchange: Exchange
        private let seed: UInt64
        private var clock = 0
        private var epochs = 1
        /// Every share that was sent for trips under way.
        private var sent: [ShareID: Sent] = [:]
        /// What trips under way asked for and have.
        private var wanted: [Exchange.TripID: Set<Pair>] = [:]
        private var taken: [Exchange.TripID: Set<Pair>] = [:]
        private var log: [String] = []

        init(seed: UInt64) throws {
            self.seed = seed
            generator = SeededRandom(seed: seed)
            var limits = Exchange.Limits()
            limits.answerTime = .milliseconds(50)
            limits.absenceTime = .milliseconds(80)
            limits.attempts = seed % 3 == 0 ? 100 : 3
            exchange = Exchange(
                dispatch: try Dispatch(plan: Self.plan(1, using: &generator)),
                firstShare: ShareID(rawValue: seed << 32),
                limits: limits
            )
            _ = exchange.follow(Array(repeating: true, count: 4), now: at(0))
        }

        private static func plan(
            _ number: Int,
            using generator: inout SeededRandom
        ) throws -> Plan {
            let layers = (0..<8).map { _ in
                (0..<6).map { _ in
                    let workers = (0..<4).filter { _ in Bool.random(using: &generator) }
                    return workers.isEmpty ? ExpertEntry.worker(0) : .replicas(workers)
                }
            }
            let names = try (0..<4).map { try name("w\($0)") }.shuffled(using: &generator)
            return Plan(epoch: epoch(number), workers: names, layers: layers)
        }

        mutating func run() -> [String] {
            for layer in 0..<8 {
                (sent, wanted, taken) = ([:], [:], [:])
                for part in 0..<Int.random(in: 1...3, using: &generator) {
                    begin(part: part, layer: LayerIndex(layer))
                }
                var steps = 0
                while !exchange.isComplete {
                    step()
                    steps += 1
                    #expect(steps < 10_000, "seed \(seed): the trip never ends")
                }
                #expect(exchange.nextDeadline == nil && exchange.awaited.isEmpty)
                // A failure ends all of them, else nothing may be missing.
                #expect(wanted.isEmpty || wanted == taken, "seed \(seed)")
                log.append("layer \(layer)")
            }
            return log
        }

        private mutating func begin(part: Int, layer: LayerIndex) {
            let rows = Int.random(in: 1...5, using: &generator)
            let experts = (0..<rows).flatMap { _ in
                (0..<6).map { Int32($0) }.shuffled(using: &generator).prefix(2)
            }
            let routing = Routing(
                topK: 2,
                experts: experts,
                weights: experts.map { Float($0) }
            )
            let begun = exchange.begin(part: part, layer: layer, routing: routing, now: at(clock))
            let pairs = experts.enumerated().map {
                Pair(row: UInt32($0 / 2), expert: UInt32($1))
            }
            wanted[begun.trip] = Set(pairs)
            taken[begun.trip] = []
            carryOut(begun.actions)
        }

        private mutating func step() {
            clock += Int.random(in: 0...5, using: &generator)
            let now = at(clock)
            let worker = Int.random(in: 0..<4, using: &generator)
            switch Int.random(in: 0..<24, using: &generator) {
            case 0: carryOut(exchange.onWorkerLost(worker, reason: "gone", now: now))
            case 1: carryOut(exchange.tick(now: now))
            case 2: refuse(now: now)
            case 3: changePlan(now: now)
            case 4...8: carryOut(exchange.follow(randomServing(), now: now))
            default: answer(from: worker)
            }
        }

        private mutating func randomServing() -> [Bool] {
            (0..<4).map { _ in Int.random(in: 0..<4, using: &generator) > 0 }
        }

        private mutating func changePlan(now: Instant) {
            epochs += 1
            do {
                let plan = try Self.plan(epochs, using: &generator)
                let dispatch = try Dispatch(plan: plan)
                carryOut(exchange.adopt(dispatch, serving: randomServing(), now: now))
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }

        private mutating func answer(from worker: Int) {
            let offset = Int64.random(in: -14...2, using: &generator)
            let id = ShareID(
                rawValue: exchange.nextShare.rawValue &+ UInt64(bitPattern: offset)
            )
            let known = sent[id]
            let isRight = Int.random(in: 0..<10, using: &generator) > 0
            let reply = exchange.onReply(
                id,
                attempt: isRight ? known?.attempt ?? 1 : 1000,
                epoch: known?.epoch ?? epoch(1),
                from: worker
            )
            log.append("\(id) \(reply)")
            guard case .accept(let trip, let place, let isLast) = reply else { return }
            #expect(isRight && known?.trip == trip && known?.place == place, "seed \(seed)")
            #expect(known?.to == exchange.workers[worker], "seed \(seed)")
            guard Int.random(in: 0..<12, using: &generator) > 0 else {
                let now = at(clock)
                return carryOut(exchange.reject(place, of: trip, reason: "bad", now: now))
            }
            take(place, of: trip)
            #expect(isLast == exchange.isComplete(trip), "seed \(seed)")
            #expect(isLast == (taken[trip] == wanted[trip]), "seed \(seed)")
        }

        private mutating func take(_ place: Int, of trip: Exchange.TripID) {
            for pair in pairs(of: exchange.share(place, of: trip)) {
                let isNew = taken[trip]?.insert(pair).inserted ?? false
                #expect(isNew, "seed \(seed): \(pair) was taken twice")
            }
        }

        private func pairs(of share: WorkerShare?) -> [Pair] {
            guard let share else { return [] }
            return share.pairRows.indices.map {
                #expect(share.pairWeights[$0] == Float(share.pairExperts[$0]))
                return Pair(
                    row: share.rows[Int(share.pairRows[$0])],
                    expert: share.pairExperts[$0]
                )
            }
        }

        private mutating func refuse(now: Instant) {
            guard let id = sent.keys.filter({ exchange.epoch(of: $0) != nil }).min(),
                let share = sent[id], let worker = exchange.workers.firstIndex(of: share.to)
            else { return }
            carryOut(
                exchange.onRefused(
                    id,
                    attempt: share.attempt,
                    from: worker,
                    code: Bool.random(using: &generator) ? .overloaded : .draining,
                    reason: "busy",
                    now: now
                )
            )
        }

        private mutating func carryOut(_ actions: [Exchange.Action]) {
            for action in actions {
                log.append("\(action)")
                switch action {
                case .send(let trip, let place, let id, let attempt, let worker):
                    #expect(sent[id] == nil, "seed \(seed): share \(id) was sent again")
                    #expect(attempt <= exchange.limits.attempts, "seed \(seed)")
                    let share = exchange.share(place, of: trip)
                    #expect(share?.worker == worker, "seed \(seed)")
                    let again = taken[trip, default: []].intersection(pairs(of: share))
                    #expect(again.isEmpty, "seed \(seed): \(again) is asked for again")
                    sent[id] = Sent(
                        trip: trip,
                        place: place,
                        attempt: attempt,
                        epoch: exchange.epoch,
                        to: exchange.workers[worker]
                    )
                case .park(_, _, let experts): #expect(!experts.isEmpty, "seed \(seed)")
                case .giveUp(let worker): #expect(!exchange.isServing[worker], "seed \(seed)")
                case .fail:
                    #expect(exchange.isComplete, "seed \(seed): failed but goes on")
                    #expect(action == actions.last, "seed \(seed): acts after the end")
                    (sent, wanted, taken) = ([:], [:], [:])
                }
            }
        }
    }
}
