import Cluster
import ClusterTesting
import Model
import Placement
import Tensors
import Testing
import Wire

/// A worker refuses what it cannot compute, says why, and goes on.
@Suite("A share that makes no sense is refused", .timeLimit(.minutes(10)))
struct HostileShareTests {
    /// One thing that is wrong with a share.
    struct Fault: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let code: ShareRefusalCode
        var layer = 0
        var expert: UInt32 = 0
        var width = 64
        var quant: Int8 = 1
        var isPlain = false
    }

    static let faults: [Fault] = [
        Fault(testDescription: "an expert that it does not hold", code: .notHeld, expert: 1),
        Fault(testDescription: "an expert that does not exist", code: .notHeld, expert: .max),
        Fault(testDescription: "a layer that does not exist", code: .malformed, layer: 2),
        Fault(testDescription: "rows of another width", code: .malformed, width: 32),
        Fault(testDescription: "a quant outside its range", code: .malformed, quant: .min),
        Fault(testDescription: "plain rows for integer weights", code: .malformed, isPlain: true),
    ]

    @Test("Every fault is refused by its code, and the share after it is computed")
    func faults() async throws {
        let tiny = try TinyModel().writeTemporary()
        let model = try ModelFile(path: tiny.path)
        try await besideWorker(tiny.path) { coordinator in
            try coordinator.assign([ExpertID(layer: LayerIndex(0), index: 0)], of: model)
            for fault in Self.faults {
                let share = Self.share(coordinator.nextShareID(), fault)
                try coordinator.send([[9, 9, 9]])
                try coordinator.send(DataMessage.share(share).encode())
                guard case .shareRefused(let refusal) = try coordinator.answer() else {
                    Issue.record("\(fault.testDescription) was not refused")
                    continue
                }
                #expect(refusal.id == share.header.id)
                #expect(refusal.code == fault.code, "\(fault.testDescription): \(refusal.text)")
                #expect(!refusal.text.isEmpty)
            }
            let share = Self.share(
                coordinator.nextShareID(),
                Fault(testDescription: "none", code: .failed)
            )
            try coordinator.send(DataMessage.share(share).encode())
            // Asked twice, it answers once: the next answer is the next share's.
            try coordinator.send(DataMessage.share(share).encode())
            guard case .partialRows(let rows) = try coordinator.answer() else {
                Issue.record("a share without fault was not computed")
                return
            }
            #expect(rows.header.id == share.header.id)
            #expect(rows.values.count == 64)
            let last = Self.share(coordinator.nextShareID(), Self.faults[0])
            try coordinator.send(DataMessage.share(last).encode())
            guard case .shareRefused(let refusal) = try coordinator.answer() else {
                Issue.record("a share was computed twice")
                return
            }
            #expect(refusal.id == last.header.id)
        }
    }

    private static func share(_ id: ShareID, _ fault: Fault) -> Share {
        let rounded = Activations(
            quants: Array(repeating: fault.quant, count: fault.width),
            scales: Array(repeating: 1, count: fault.width / Activations.blockLength),
            width: fault.width
        )
        let plain = Activations(values: Array(repeating: 1, count: fault.width), width: fault.width)
        return Share(
            id: id,
            attempt: 1,
            epoch: Epoch(rawValue: 1),
            layer: LayerIndex(fault.layer),
            activations: fault.isPlain ? plain : rounded,
            pairRows: [0],
            pairExperts: [fault.expert],
            pairWeights: [1]
        )
    }
}
