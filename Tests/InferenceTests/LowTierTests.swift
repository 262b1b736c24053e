import ClusterTesting
import ExpertStore
import Experts
import Foundation
import Kernels
import Model
import Storage
import Tensors
import Testing

@Suite("Experts in fewer bits")
struct LowTierTests {
    @Test("Packed experts of the low tier are what the file's become in few bits")
    func packed() throws {
        let place = try TemporaryFile("cache")
        let cache = try ExpertCache(path: place.path, byteLimit: 1 << 30, spareByteCount: 0)
        let model = try WholeModel.demo
        for tier in LowTier.allCases {
            let layout = try StoreLayout(model.file.layout.lowered(to: tier))
            let store = try StoreMaker(model.file, tier: tier, cache: cache).open()
            let source = ModelSlots(model: model.file, layout: layout, tier: tier)
            let memory = try SlotMemory(slotCount: 2, slotByteCount: layout.slotByteCount)
            for id in [layout.experts[0], layout.experts[77]] {
                let sum = try (0..<store.blockCount(of: id)).reduce(UInt64(0)) {
                    try $0 &+ store.read($1, of: id, into: memory, slot: 0)
                }
                try store.check(sum, of: id)
                _ = try source.read(0, of: id, into: memory, slot: 1)
                let count = try #require(layout.extent(of: id)).count
                #expect(Self.bytes(memory[0]).prefix(count) == Self.bytes(memory[1]).prefix(count))
                try Self.compare(layout.weights(of: id, in: memory[0]), model.held[id])
            }
            let high = try StoreMaker(model.file, cache: cache)
            #expect(high.existingPath == nil && high.path != store.path)
        }
    }

    /// Each matrix is near to the file's.
    private static func compare(
        _ low: FeedForwardWeights?,
        _ high: FeedForwardWeights?
    ) throws {
        let low = try #require(low)
        let high = try #require(high)
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        for (a, b) in [(low.gate, high.gate), (low.up, high.up), (low.down, high.down)] {
            var found: [Float] = []
            var expected: [Float] = []
            kernels.dequantize(a, rows: Array(0..<a.rowCount), into: &found)
            kernels.dequantize(b, rows: Array(0..<b.rowCount), into: &expected)
            let size = expected.reduce(0) { $0 + $1 * $1 }
            let error = zip(found, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            #expect(error < 0.1 * size, "\(a.type.name)")
        }
    }

    private static func bytes(_ bytes: Bytes) -> [UInt8] {
        bytes.withSpan { span in
            unsafe span.withUnsafeBytes { unsafe Array($0) }
        }
    }

    @Test("Matrices whose rows have no blocks of 256 get blocks of 32, and smaller ones stay")
    func types() {
        func stored(_ type: ElementType, _ columns: Int) -> MatrixShape {
            MatrixShape(type: type, rowCount: 4, columnCount: columns)
        }
        #expect(LowTier.q4.type(of: stored(.q8_0, 512)) == .q4_K)
        #expect(LowTier.q3.type(of: stored(.q8_0, 512)) == .q3_K)
        #expect(LowTier.q2.type(of: stored(.f16, 512)) == .q2_K)
        for tier in LowTier.allCases {
            #expect(tier.type(of: stored(.q8_0, 96)) == .q4_0)
            #expect(tier.isTooLong(for: stored(.q8_0, 96)))
            #expect(!tier.isTooLong(for: stored(.q8_0, 256)))
            #expect(tier.type(of: stored(.q2_K, 512)) == .q2_K)
            #expect(tier.type(of: stored(.f16, 40)) == .f16)
        }
        #expect(LowTier.q4.type(of: stored(.q4_0, 512)) == .q4_0)
        #expect(LowTier.q3.type(of: stored(.q4_K, 512)) == .q3_K)
    }
}
