import Cluster
import Model
import Placement
import Tensors
import Wire

// What messages say only where workers give accuracy for speed; of copies of the generator, because
// what came later than the goldens must not change them.

extension ControlMessage {
    static func lossy(using random: SeededRandom) -> [ControlMessage] {
        var random = random
        let hellos = LossyKind.allCases.map { kind in
            var hello = Hello.random(using: &random)
            hello.lossy = kind
            return ControlMessage.hello(hello)
        }
        let heartbeat = Heartbeat(
            sequence: random.number(),
            incarnation: random.incarnation(),
            rowsComputed: random.number(),
            sharesComputed: random.number(),
            residentByteCount: random.number(),
            supply: .lossy
        )
        return hellos + [.heartbeat(heartbeat)]
    }
}

extension DataMessage {
    static func lossy(using random: SeededRandom) -> [DataMessage] {
        var random = random
        let share = Share(
            id: ShareID(rawValue: random.number()),
            attempt: 1,
            epoch: random.epoch(),
            layer: LayerIndex(3),
            activations: Activations(values: random.list(32...32) { $0.float() }, width: 32),
            pairRows: [0, 0, 0],
            pairExperts: [7, 1, 9],
            pairWeights: [0.5, 0.25, 0.125],
            pairChoices: [0, 1, 2]
        )
        let rows = PartialRows(
            id: ShareID(rawValue: random.number()),
            attempt: 1,
            epoch: random.epoch(),
            layer: LayerIndex(3),
            width: 32,
            values: random.list(64...64) { Double($0.float()) },
            uses: [1, 1, 0, 2],
            computeTime: random.duration()
        )
        return [.share(share), .partialRows(rows)]
    }
}

extension ClientMessage {
    static func lossy(using random: SeededRandom) -> [ClientMessage] {
        var random = random
        let ended = Ended(
            job: random.text(),
            outcome: .completed,
            reason: .stop,
            message: "",
            tokens: random.tokens(),
            promptTokenCount: 3,
            prefillTime: random.duration(),
            decodeTime: random.duration(),
            rowsPerWorker: [],
            expertUses: TierUses(high: 300, low: 2, skipped: 1)
        )
        let evaluation = EvaluationReply(
            tag: random.number(),
            positions: [],
            scores: [-0.5],
            expertUses: TierUses(high: 1, low: 300, skipped: 2)
        )
        var node = NodeReport.random(using: &random)
        node.lossy = .hobbit
        node.supply = .lossy
        return [.ended(ended), .evaluation(evaluation), .nodes([node])]
    }
}

extension SupplyCounts {
    /// Of a worker that has experts in three bits, too.
    fileprivate static var lossy: SupplyCounts {
        var supply = SupplyCounts()
        supply.memoryBudget = 4 << 30
        supply.storedUses = 300
        supply.storedHits = 200
        supply.storedLowUses = 150
        supply.storedLowHits = 140
        supply.lowBitCount = 3
        return supply
    }
}
