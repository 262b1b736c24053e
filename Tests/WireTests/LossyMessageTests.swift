import Cluster
import ClusterTesting
import Messaging
import Model
import Placement
import Tensors
import Testing
import Wire

/// What messages say only where workers give accuracy for speed.
@Suite("Messages of lossy workers")
struct LossyMessageTests {
    private static func share(choices: [UInt8]) -> Share {
        Share(
            id: ShareID(rawValue: 1),
            attempt: 1,
            epoch: Epoch(rawValue: 1),
            layer: LayerIndex(0),
            activations: Activations(values: [1, 2, 3, 4], width: 4),
            pairRows: [0, 0, 0],
            pairExperts: [5, 6, 7],
            pairWeights: [0.5, 0.25, 0.125],
            pairChoices: choices
        )
    }

    private static func rows(uses: [UInt32]) -> PartialRows {
        PartialRows(
            id: ShareID(rawValue: 1),
            attempt: 1,
            epoch: Epoch(rawValue: 1),
            layer: LayerIndex(0),
            width: 2,
            values: [1, 2, 3, 4],
            uses: uses,
            computeTime: .microseconds(5)
        )
    }

    @Test("A worker's hello says how it is lossy", arguments: LossyKind.allCases)
    func hello(kind: LossyKind) throws {
        var random = SeededRandom(seed: 1)
        var hello = Hello.random(using: &random)
        let exact = ControlMessage.hello(hello).encode()
        hello.lossy = kind
        let message = ControlMessage.hello(hello)
        var frames = message.encode()
        #expect(try ControlMessage(frames: frames) == message)
        #expect(frames[0].count > exact[0].count, "exact workers send what they always sent")
        // Its last two bytes are the field's number and value.
        #expect(frames[0].last == UInt8(kind.rawValue))
        frames[0][frames[0].count - 1] = 9
        let error = #expect(throws: WireError.self) { try ControlMessage(frames: frames) }
        #expect(error.map { "\($0)" }?.contains("hello.lossy") == true)
    }

    @Test("What is known of a worker says how it is lossy, and takes no bytes where it is exact")
    func node() throws {
        var random = SeededRandom(seed: 1)
        var node = NodeReport.random(using: &random)
        let exact = ClientMessage.nodes([node]).encode()
        for kind in LossyKind.allCases {
            node.lossy = kind
            let message = ClientMessage.nodes([node])
            let frames = message.encode()
            #expect(try ClientMessage(frames: frames) == message)
            // Its last bytes are the field's number, which takes two, and its value.
            #expect(Array(frames[0].suffix(3)) == [0x88, 0x01, UInt8(kind.rawValue)])
            #expect(Array(exact[0].suffix(3)) != Array(frames[0].suffix(3)))
        }
        var wrong = ClientMessage.nodes([node]).encode()
        wrong[0][wrong[0].count - 1] = 9
        let error = #expect(throws: WireError.self) { try ClientMessage(frames: wrong) }
        #expect(error.map { "\($0)" }?.contains("node.lossy") == true)
    }

    @Test("Hits are told apart by tier, whatever numbers a worker sends")
    func tiers() {
        var supply = SupplyCounts()
        supply.storedUses = 10
        supply.storedHits = 7
        #expect(supply.storedTiers == [TierHits(tier: "high", uses: 10, hits: 7)])
        #expect(supply.lowTier == nil)
        supply.lowBitCount = 2
        supply.storedLowUses = 4
        supply.storedLowHits = 3
        let both = [
            TierHits(tier: "high", uses: 6, hits: 4), TierHits(tier: "low", uses: 4, hits: 3),
        ]
        #expect(supply.storedTiers == both && supply.lowTier == "q2")
        supply.storedLowUses = .max
        #expect(supply.storedTiers.map(\.uses) == [0, .max])
    }

    @Test("Choices of a share's pairs cross the wire; others than there are do not")
    func choices() throws {
        let message = DataMessage.share(Self.share(choices: [0, 1, 2]))
        let frames = message.encode()
        #expect(try DataMessage(frames: frames) == message)
        #expect(frames.count == DataMessage.share(Self.share(choices: [])).encode().count + 1)
        for wrong in [[0, 1, 3], [0, 1, 255], [0, 1], [0, 1, 2, 0], []] as [[UInt8]] {
            #expect(throws: WireError.self, "\(wrong)") {
                try DataMessage(frames: Array(frames.dropLast()) + [wrong])
            }
        }
        #expect(throws: WireError.self) { try DataMessage(frames: Array(frames.dropLast())) }
        #expect(throws: WireError.self) {
            try DataMessage(frames: DataMessage.share(Self.share(choices: [])).encode() + [[0]])
        }
    }

    @Test("How rows used experts crosses the wire; another number of rows does not")
    func uses() throws {
        let message = DataMessage.partialRows(Self.rows(uses: [1, 0, .max, 7]))
        let frames = message.encode()
        #expect(try DataMessage(frames: frames) == message)
        guard case .partialRows(let rows) = message else { return }
        let list = FrameList(frames)
        let (first, second) = (
            rows.header.uses(row: 0, of: list), rows.header.uses(row: 1, of: list)
        )
        #expect(first.low == 1 && first.skipped == 0)
        #expect(second.low == .max && second.skipped == 7)
        for count in [0, 1, 12, 17] {
            let wrong = [UInt8](repeating: 0, count: count)
            #expect(throws: WireError.self) {
                try DataMessage(frames: Array(frames.dropLast()) + [wrong])
            }
        }
        // An older release knows this frame as little as this one knows a third.
        #expect(throws: WireError.self) { try DataMessage(frames: frames + [[]]) }
        #expect(throws: WireError.self) { try DataMessage(frames: Array(frames.dropLast())) }
        let exact = DataMessage.partialRows(Self.rows(uses: [])).encode()
        #expect(throws: WireError.self) { try DataMessage(frames: exact + [frames[2]]) }
    }

    @Test("What an evaluation used crosses the wire, and takes no bytes where it was exact")
    func evaluation() throws {
        func reply(_ uses: TierUses?) -> ClientMessage {
            .evaluation(EvaluationReply(tag: 1, positions: [], scores: [-1], expertUses: uses))
        }
        let exact = reply(nil).encode()
        for uses in [TierUses(), TierUses(high: 7, low: 5, skipped: 3)] {
            let frames = reply(uses).encode()
            #expect(try ClientMessage(frames: frames) == reply(uses))
            #expect(frames[0].count > exact[0].count && frames.count == exact.count)
        }
        #expect(try ClientMessage(frames: exact) == reply(nil))
        let error = #expect(throws: WireError.self) {
            try ClientMessage(frames: reply(TierUses(low: .max)).encode())
        }
        #expect(error.map { "\($0)" }?.contains("evaluation.expert_uses") == true)
    }

    @Test("What a job used crosses the wire, and is absent where it was exact")
    func ended() throws {
        for uses in [nil, TierUses(), TierUses(high: 7, low: 5, skipped: 3)] {
            let ended = Ended(
                job: "job-1-1",
                outcome: .completed,
                reason: .stop,
                message: "",
                tokens: [1],
                promptTokenCount: 1,
                prefillTime: .zero,
                decodeTime: .zero,
                rowsPerWorker: [],
                expertUses: uses
            )
            let message = ClientMessage.ended(ended)
            #expect(try ClientMessage(frames: message.encode()) == message)
        }
        let large = Ended(
            job: "job-1-1",
            outcome: .completed,
            reason: .stop,
            message: "",
            tokens: [],
            promptTokenCount: 1,
            prefillTime: .zero,
            decodeTime: .zero,
            rowsPerWorker: [],
            expertUses: TierUses(high: .max)
        )
        let error = #expect(throws: WireError.self) {
            try ClientMessage(frames: ClientMessage.ended(large).encode())
        }
        #expect(error.map { "\($0)" }?.contains("ended.expert_uses") == true)
    }
}
