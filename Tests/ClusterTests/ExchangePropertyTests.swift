import Cluster
import Model
import Placement
import Testing

@Suite("An exchange, whatever happens")
struct ExchangePropertyTests {
    @Test(
        "takes each share once, ends once, and repeats itself",
        arguments: 0..<200 as Range<UInt64>
    )
    func random(seed: UInt64) throws {
        var first = try Trip(seed: seed)
        var second = try Trip(seed: seed)
        #expect(first.run() == second.run(), "seed \(seed)")
    }

    /// Trips with random answers, losses and waits, checked against a naive account.
    private struct Trip {
        var generator: SeededRandom
        var exchange: Exchange
        let seed: UInt64
        var clock = 0
        /// The latest attempt of every share under way, and who has it.
        var sent: [ShareID: (trip: Exchange.TripID, attempt: UInt32, worker: Int)] = [:]
        var accepted: Set<ShareID> = []
        var log: [String] = []

        init(seed: UInt64) throws {
            self.seed = seed
            generator = SeededRandom(seed: seed)
            var limits = Exchange.Limits()
            limits.answerTime = .milliseconds(50)
            exchange = Exchange(
                epoch: epoch(1),
                workers: try (0..<4).map { try name("w\($0)") },
                firstShare: ShareID(rawValue: seed << 32),
                limits: limits
            )
        }

        mutating func run() -> [String] {
            for layer in 0..<8 {
                sent = [:]
                accepted = []
                for _ in 0..<Int.random(in: 1...3, using: &generator) {
                    let begun = exchange.begin(
                        layer: LayerIndex(layer),
                        recipients: (0..<4).filter { _ in Bool.random(using: &generator) },
                        now: at(clock)
                    )
                    carryOut(begun.actions)
                }
                let shareCount = sent.count
                var steps = 0
                while !exchange.isComplete {
                    step()
                    steps += 1
                    #expect(steps < 10_000, "seed \(seed): the trip never ends")
                }
                #expect(exchange.nextDeadline == nil && exchange.awaited.isEmpty)
                log.append("layer \(layer) took \(accepted.count) of \(shareCount)")
            }
            return log
        }

        private mutating func step() {
            clock += Int.random(in: 0...5, using: &generator)
            let now = at(clock)
            let hasReplicas = seed % 2 == 0
            let replica: Exchange.Replica = { _, _, worker in hasReplicas ? (worker + 1) % 4 : nil }
            let worker = Int.random(in: 0..<4, using: &generator)
            switch Int.random(in: 0..<20, using: &generator) {
            case 0:
                carryOut(
                    exchange.onWorkerLost(worker, reason: "gone", now: now, replica: replica)
                )
            case 1: carryOut(exchange.tick(now: now, replica: replica))
            case 2: refuse(now: now, replica: replica)
            default: answer(from: worker)
            }
        }

        private mutating func answer(from worker: Int) {
            let offset = Int64.random(in: -14...2, using: &generator)
            let id = ShareID(
                rawValue: exchange.nextShare.rawValue &+ UInt64(bitPattern: offset)
            )
            let attempt = UInt32.random(in: 0...3, using: &generator)
            let isRight = Int.random(in: 0..<10, using: &generator) > 0
            let reply = exchange.onReply(
                id,
                attempt: attempt,
                epoch: epoch(isRight ? 1 : 2),
                from: worker
            )
            log.append("\(id) \(reply)")
            guard case .accept(let trip, _, let isLast) = reply else { return }
            #expect(isRight && sent[id]?.attempt == attempt && sent[id]?.worker == worker)
            #expect(accepted.insert(id).inserted, "seed \(seed): share \(id) was taken twice")
            #expect(sent[id]?.trip == trip, "seed \(seed)")
            let rest = sent.filter { $0.value.trip == trip && !accepted.contains($0.key) }
            #expect(isLast == rest.isEmpty && isLast == exchange.isComplete(trip), "seed \(seed)")
        }

        private mutating func refuse(now: Instant, replica: Exchange.Replica) {
            guard let id = sent.keys.sorted().first, let share = sent[id] else { return }
            carryOut(
                exchange.onRefused(
                    id,
                    attempt: share.attempt,
                    from: share.worker,
                    code: .overloaded,
                    reason: "busy",
                    now: now,
                    replica: replica
                )
            )
        }

        private mutating func carryOut(_ actions: [Exchange.Action]) {
            for action in actions {
                log.append("\(action)")
                switch action {
                case .send(let trip, _, let id, let attempt, let worker):
                    #expect(!accepted.contains(id), "seed \(seed): share \(id) was sent again")
                    #expect(attempt <= exchange.limits.attempts, "seed \(seed)")
                    sent[id] = (trip, attempt, worker)
                case .fail:
                    #expect(exchange.isComplete, "seed \(seed): failed but goes on")
                    #expect(action == actions.last, "seed \(seed): acts after the end")
                }
            }
        }
    }
}
