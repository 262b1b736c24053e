import ClusterTesting
import ExpertStore
import Experts
import Foundation
import GGUF
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

    @Test("A layer that is no larger in the file stays as it is, and is not called lowered")
    func notLarger() throws {
        func layer(_ down: ElementType) -> ExpertLayout.Layer {
            .init(expertCount: 4, width: 256, gateType: .q4_K, upType: .q4_K, downType: down)
        }
        let layout = try #require(
            ExpertLayout(
                hiddenSize: 256,
                expertsPerToken: 2,
                layers: [layer(.q4_K), nil, layer(.q6_K)]
            )
        )
        #expect(layout.areLowered(to: .q4) == [false, false, true])
        #expect(layout.areLowered(to: .q3) == [true, false, true])
        #expect(layout.lowered(to: .q4).layers == [layer(.q4_K), nil, layer(.q4_K)])
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

/// Files that say how much columns matter.
enum ImportanceFile {
    /// - Parameter value: of a layer, a matrix and a column, the same for all experts.
    static func write(
        for layout: ExpertLayout,
        _ value: (_ layer: Int, _ matrix: Int, _ column: Int) -> Float
    ) throws -> TemporaryFile {
        let file = try TemporaryFile("importance.gguf")
        var writer = GGUFWriter()
        for (layer, count) in layout.expertCounts.enumerated() {
            let first = ExpertID(layer: LayerIndex(layer), index: 0)
            for (matrix, shape) in (layout.storedShapes(of: first) ?? []).enumerated() {
                let columns = (0..<shape.columnCount).map { value(layer, matrix, $0) }
                writer.add(
                    name(layer, matrix),
                    dimensions: [shape.columnCount, count],
                    values: Array(repeatElement(columns, count: count).joined())
                )
            }
        }
        try writer.write(to: file.path)
        return file
    }

    static func name(_ layer: Int, _ matrix: Int) -> String {
        ColumnImportance.sumsName(.layer(layer, ColumnImportance.roles[matrix]))
    }
}

@Suite("Columns that matter")
struct ColumnImportanceTests {
    @Test("Columns that matter are rounded nearer, in a store of their own")
    func nearer() throws {
        let model = try WholeModel.demo
        let file = try ImportanceFile.write(for: model.file.layout) { _, _, column in
            column % 4 == 0 ? 1 : 0.001
        }
        let importance = try ColumnImportance(path: file.path, for: model.file.layout)
        for tier in LowTier.allCases {
            let plain = try errors(of: model, tier, nil)
            let weighted = try errors(of: model, tier, importance)
            for (a, b) in zip(weighted, plain) {
                #expect(a < 0.8 * b, "\(tier): \(a) of \(b)")
            }
        }
        let place = try TemporaryFile("cache")
        let cache = try ExpertCache(path: place.path, byteLimit: 1 << 30, spareByteCount: 0)
        let one = try StoreMaker(model.file, tier: .q2, cache: cache)
        let other = try StoreMaker(model.file, tier: .q2, importance: importance, cache: cache)
        #expect(one.path != other.path)
    }

    /// Mean squares in every fourth column, of each matrix of an expert.
    private func errors(
        of model: WholeModel,
        _ tier: LowTier,
        _ importance: ColumnImportance?
    ) throws -> [Float] {
        let layout = try StoreLayout(model.file.layout.lowered(to: tier))
        let memory = try SlotMemory(slotCount: 1, slotByteCount: layout.slotByteCount)
        let source = ModelSlots(
            model: model.file,
            layout: layout,
            tier: tier,
            importance: importance
        )
        let id = layout.experts[40]
        _ = try source.read(0, of: id, into: memory, slot: 0)
        let low = try #require(layout.weights(of: id, in: memory[0]))
        let high = try #require(model.held[id])
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        return [(low.gate, high.gate), (low.up, high.up), (low.down, high.down)].map { low, high in
            var found: [Float] = []
            var expected: [Float] = []
            kernels.dequantize(low, rows: Array(0..<low.rowCount), into: &found)
            kernels.dequantize(high, rows: Array(0..<high.rowCount), into: &expected)
            // Rows have a multiple of four columns.
            let places = stride(from: 0, to: found.count, by: 4)
            let sum = places.reduce(Float(0)) { sum, place in
                sum + (found[place] - expected[place]) * (found[place] - expected[place])
            }
            return sum / Float(found.count / 4)
        }
    }

    @Test("A file that says nothing, or something else, is refused by name")
    func refusals() throws {
        let layout = try TinyModel(seed: 6).wholeModel().file.layout
        let file = try TemporaryFile("importance.gguf")
        let name = ImportanceFile.name(0, 2)
        func refusal(_ add: (inout GGUFWriter) -> Void) throws -> String {
            var writer = GGUFWriter()
            add(&writer)
            try writer.write(to: file.path)
            do {
                _ = try ColumnImportance(path: file.path, for: layout)
                return "none"
            } catch {
                return "\(error)"
            }
        }
        #expect(try refusal { _ in }.contains("says nothing of this model's experts"))
        let wide = try refusal { $0.add(name, dimensions: [3, 2], values: [1, 2, 3, 4, 5, 6]) }
        #expect(wide.contains(name) && wide.contains("[3, 2]"), "\(wide)")
        let half = try refusal {
            $0.add(name, type: .f16, dimensions: [2, 2], bytes: Array(repeating: 0, count: 8))
        }
        #expect(half.contains(name) && half.contains("F16"), "\(half)")
        #expect(throws: ModelError.self) {
            try ColumnImportance(path: file.path + "-none", for: layout)
        }
    }

    @Test("Numbers that cannot be are refused when they are read", arguments: [Float.nan, -1])
    func numbers(value: Float) throws {
        let model = try TinyModel(seed: 6).wholeModel()
        let layout = try StoreLayout(model.file.layout.lowered(to: .q2))
        let file = try ImportanceFile.write(for: model.file.layout) { _, matrix, column in
            matrix == 1 && column == 7 ? value : 1
        }
        let source = ModelSlots(
            model: model.file,
            layout: layout,
            tier: .q2,
            importance: try ColumnImportance(path: file.path, for: model.file.layout)
        )
        let memory = try SlotMemory(slotCount: 1, slotByteCount: layout.slotByteCount)
        #expect(throws: StoreError.self) {
            try source.read(0, of: layout.experts[0], into: memory, slot: 0)
        }
    }
}
