import ClusterTesting
import Experts
import Kernels
import Model
import Tensors
import Testing

private let expert = ExpertID(layer: LayerIndex(1), index: 5)

private func content(of matrix: WeightMatrix) -> [UInt8] {
    matrix.bytes.withSpan { span in
        (matrix.offset..<matrix.offset + matrix.byteCount).map {
            unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
        }
    }
}

@Suite("Loading shards of experts")
struct ShardLoadingTests {
    private func recipe(_ type: ElementType = .q8_0) -> TinyModel {
        var recipe = TinyModel(seed: 3)
        recipe.expertWidth = 96
        recipe.expertType = type
        return recipe
    }

    @Test(
        "A shard has its rows of gate and up and its columns of down",
        arguments: [ElementType.q8_0, .f32],
        [0..<32, 32..<96, 64..<96, 0..<96]
    )
    func matrices(type: ElementType, dimensions: Range<Int>) throws {
        let model = try recipe(type).modelFile()
        let whole = try model.expert(expert)
        let digest = ExpertDigest(of: whole)
        let part = ExpertSlice(expert, dimensions: dimensions)
        let hidden = 0..<model.description.hiddenSize
        let expected = [
            whole.gate.slice(rows: dimensions, columns: hidden),
            whole.up.slice(rows: dimensions, columns: hidden),
            whole.down.slice(rows: hidden, columns: dimensions),
        ]
        let loader = ExpertLoader(model: model, threadCount: 1)
        for digests in [nil, [digest]] {
            let shard = try #require(try loader.load([part], digests: digests).first)
            for (matrix, source) in zip([shard.gate, shard.up, shard.down], expected) {
                #expect(matrix.shape == source.shape && content(of: matrix) == content(of: source))
            }
            #expect(shard.byteCount == model.byteCount(of: part))
        }
        let bytes = model.expertByteCount(expert.layer)
        #expect(model.byteCount(of: part) == bytes * dimensions.count / 96)
    }

    @Test("A damaged byte beside the shard is found too: the whole expert is checked")
    func damage() throws {
        let original = try recipe().modelFile()
        let digest = try ExpertDigest(of: original.expert(expert))
        var contents = recipe().contents()
        var tensor = try #require(contents["blk.1.ffn_down_exps.weight"])
        tensor.bytes[tensor.bytes.count / 8 * 6 - 1] ^= 1
        contents["blk.1.ffn_down_exps.weight"] = tensor
        let loader = ExpertLoader(model: try contents.modelFile(), threadCount: 1)
        let part = ExpertSlice(expert, dimensions: 0..<32)
        let error = #expect(throws: ModelError.self) {
            try loader.load([part], digests: [digest])
        }
        guard case .differs = error else {
            Issue.record("\(String(describing: error))"); return
        }
        #expect(try loader.load([part]).count == 1)
    }

    @Test(
        "Shards that no expert has are an error that says where they may begin and end",
        arguments: [0..<0, 16..<96, 0..<48, 64..<128, -32..<32, 96..<128, Int.min..<Int.max]
    )
    func impossible(dimensions: Range<Int>) throws {
        let model = try recipe().modelFile()
        let part = ExpertSlice(expert, dimensions: dimensions)
        let error = #expect(throws: ModelError.self) {
            try ExpertLoader(model: model, threadCount: 1).load([part])
        }
        #expect(error?.description.contains("multiples of 32, or with the expert at 96") == true)
    }

    @Test("Owners of shards sum to the whole but for rounding, in whatever order")
    func sums() throws {
        let model = try recipe().wholeModel()
        let whole = try sums(of: model, [model.held])
        let owners = try [0..<32, 32..<96].map { try held($0, of: model) }
        let shards = try sums(of: model, owners)
        #expect(try sums(of: model, owners.reversed()) == shards)
        let largest = whole.reduce(0) { max($0, abs($1)) }
        let isNear = zip(shards, whole).allSatisfy { abs($0 - $1) <= largest * 0x1p-18 }
        #expect(isNear && largest > 0)
    }

    private func sums(of model: WholeModel, _ owners: [HeldExperts]) throws -> [Double] {
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let width = model.description.hiddenSize
        let values = (0..<2 * width).map { Float($0 % 23) / 23 - 0.5 }
        var rows = Activations(values: values, width: width)
        kernels.quantize(&rows)
        let runner = LocalRunner(owners: owners, kernels: kernels)
        let routing = Routing(topK: 2, experts: [1, 5, 5, 3], weights: [0.5, 0.5, 0.7, 0.3])
        var sums = Array(repeating: 0.0, count: 2 * width)
        try runner.start(0, layer: LayerIndex(1), activations: rows, routing: routing)
        try runner.finish(0, into: &sums)
        return sums
    }

    private func held(_ dimensions: Range<Int>, of model: WholeModel) throws -> HeldExperts {
        var held = HeldExperts(expertCounts: model.description.expertCounts)
        let parts = model.held.all.map { ExpertSlice($0, dimensions: dimensions) }
        let weights = try ExpertLoader(model: model.file, threadCount: 1).load(parts)
        for (part, shard) in zip(parts, weights) { held.insert(shard, as: part.expert) }
        return held
    }
}
