import ClusterTesting
import Experts
import Foundation
import GGUF
import Kernels
import Model
import Synchronization
import Tensors
import Testing

private func allExperts(_ model: ModelFile) -> [ExpertID] {
    model.description.expertCounts.enumerated().flatMap { layer, count in
        (0..<count).map { ExpertID(layer: LayerIndex(layer), index: $0) }
    }
}

private func content(of matrix: WeightMatrix) -> [UInt8] {
    matrix.bytes.withSpan { span in
        (matrix.offset..<matrix.offset + matrix.byteCount).map {
            unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
        }
    }
}

@Suite("The experts a process holds")
struct HeldExpertsTests {
    @Test("Counts, bytes and the list follow what is put in and taken out")
    func bookkeeping() throws {
        var recipe = TinyModel()
        recipe.layerCount = 3
        recipe.denseLayers = [1]
        let model = try recipe.modelFile()
        var held = HeldExperts(expertCounts: model.description.expertCounts)
        #expect(held.count == 0 && held.byteCount == 0 && held.all.isEmpty)
        let last = ExpertID(layer: LayerIndex(2), index: 7)
        let first = ExpertID(layer: LayerIndex(0), index: 3)
        held.insert(try model.expert(last), as: last)
        held.insert(try model.expert(first), as: first)
        #expect(held.all == [first, last] && held.count == 2)
        #expect(held.byteCount == 2 * model.expertByteCount(LayerIndex(0)))
        #expect(held[first] != nil && held[ExpertID(layer: LayerIndex(0), index: 4)] == nil)
        held.insert(try model.expert(first), as: first)
        #expect(held.count == 2 && held.byteCount == 2 * model.expertByteCount(LayerIndex(0)))
        held.remove(last)
        held.remove(last)
        #expect(held.all == [first] && held.count == 1)
        held.remove(first)
        #expect(held.byteCount == 0 && held.all.isEmpty)
    }

    @Test("Experts that the model does not have are not held, and asking does not trap")
    func unknown() {
        let held = HeldExperts(expertCounts: [4, 0])
        for (layer, index) in [(0, 4), (0, -1), (1, 0), (2, 0), (-1, 0), (.max, .max)] {
            let id = ExpertID(layer: LayerIndex(layer), index: index)
            #expect(held[id] == nil && !held.exists(id))
        }
        #expect(held.exists(ExpertID(layer: LayerIndex(0), index: 3)))
    }
}

@Suite("Loading experts")
struct ExpertLoaderTests {
    @Test("Experts come in the order asked for, whatever the threads", arguments: [1, 2, 5])
    func order(threadCount: Int) throws {
        let model = try TinyModel(seed: 2).modelFile()
        let ids = Array(allExperts(model).reversed())
        let loaded = try ExpertLoader(model: model, threadCount: threadCount).load(ids)
        #expect(loaded.count == ids.count)
        for (id, expert) in zip(ids, loaded) {
            let original = try model.expert(id)
            for (matrix, source) in [
                (expert.gate, original.gate), (expert.up, original.up),
                (expert.down, original.down),
            ] {
                let packed = source.inPanels()
                #expect(matrix.layout == .panels && matrix.shape == packed.shape)
                #expect(content(of: matrix) == content(of: packed))
            }
        }
        #expect(try ExpertLoader(model: model, threadCount: 0).load([ExpertID]()).isEmpty)
    }

    @Test("Progress only grows, and ends with the whole")
    func progress() throws {
        let model = try TinyModel(seed: 2).modelFile()
        let ids = allExperts(model)
        let reports = Mutex<[ExpertLoader.Progress]>([])
        let loader = ExpertLoader(model: model, threadCount: 3)
        _ = try loader.load(ids, progress: { report in reports.withLock { $0.append(report) } })
        let list = reports.withLock { $0 }
        let total = ids.reduce(0) { $0 + model.expertByteCount($1.layer) }
        #expect(list.count == ids.count)
        #expect(list.allSatisfy { $0.totalByteCount == total })
        let loaded = list.map(\.loadedByteCount)
        #expect(loaded == Array(Set(loaded)).sorted())
        #expect(list.last?.loadedByteCount == total)
    }

    @Test("One flipped bit of an expert is an error that names expert and file")
    func flippedBit() throws {
        let recipe = TinyModel(seed: 2)
        let original = try recipe.modelFile()
        let ids = allExperts(original)
        let digests = try ids.map { try ExpertDigest(of: original.expert($0)) }
        var contents = recipe.contents()
        let name = "blk.1.ffn_down_exps.weight"
        var tensor = try #require(contents[name])
        tensor.bytes[tensor.bytes.count / 8 * 6 + 77] ^= 0x10
        contents[name] = tensor
        let model = try contents.modelFile()
        let loader = ExpertLoader(model: model, threadCount: 2)
        let error = #expect(throws: ModelError.self) { try loader.load(ids, digests: digests) }
        let text = try #require(error?.description)
        #expect(text.contains("expert 6 of layer 1") && text.contains(model.path), "\(text)")
        let healthy = ids.indices.filter { ids[$0].layer == LayerIndex(0) }
        let some = try loader.load(healthy.map { ids[$0] }, digests: healthy.map { digests[$0] })
        #expect(some.count == healthy.count)
    }

    @Test("A file that shrank is an error that names it")
    func truncated() throws {
        let file = try TinyModel(seed: 2).writeTemporary()
        let model = try ModelFile(path: file.path)
        let handle = try #require(FileHandle(forWritingAtPath: file.path))
        try handle.truncate(atOffset: UInt64(model.file.byteCount / 2))
        try handle.close()
        let loader = ExpertLoader(model: model, threadCount: 2)
        let error = #expect(throws: ModelError.self) { try loader.load(allExperts(model)) }
        #expect(error?.description.contains(file.path) == true)
    }

    @Test("Loading that is cancelled stops before the next expert")
    func cancelled() throws {
        let model = try TinyModel(seed: 2).modelFile()
        let loadedCount = Atomic(0)
        let error = #expect(throws: ModelError.self) {
            try ExpertLoader(model: model, threadCount: 1).load(
                allExperts(model),
                isCancelled: { loadedCount.load(ordering: .relaxed) == 3 },
                progress: { _ in loadedCount.add(1, ordering: .relaxed) }
            )
        }
        guard case .cancelled = error else {
            Issue.record("not cancelled: \(String(describing: error))"); return
        }
        #expect(loadedCount.load(ordering: .relaxed) == 3)
    }

    @Test("An expert that does not exist is an error")
    func unknown() throws {
        let model = try TinyModel(seed: 2).modelFile()
        let id = ExpertID(layer: LayerIndex(0), index: 8)
        #expect(throws: ModelError.self) {
            try ExpertLoader(model: model, threadCount: 1).load([id])
        }
    }
}

@Suite("Computing experts in this process")
struct LocalRunnerTests {
    private func activations(_ model: WholeModel, _ kernels: Kernels) -> Activations {
        let width = model.description.hiddenSize
        let values = (0..<2 * width).map { Float($0 % 23) / 23 - 0.5 }
        var activations = Activations(values: values, width: width)
        kernels.quantize(&activations)
        return activations
    }

    @Test("An expert that is not held is an error that names it, and the runner goes on")
    func missingExpert() throws {
        let model = try TinyModel().wholeModel()
        var held = model.held
        let missing = ExpertID(layer: LayerIndex(1), index: 5)
        held.remove(missing)
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let runner = LocalRunner(held: held, kernels: kernels)
        let rows = activations(model, kernels)
        var sums = Array(repeating: 0.0, count: 2 * rows.width)
        let bad = Routing(topK: 2, experts: [1, 5, 2, 3], weights: [0.5, 0.5, 0.5, 0.5])
        try runner.start(0, layer: LayerIndex(1), activations: rows, routing: bad)
        let error = #expect(throws: ExpertRunnerError.self) { try runner.finish(0, into: &sums) }
        #expect(error?.description.contains(missing.description) == true)
        #expect(sums.allSatisfy { $0 == 0 })
        let good = Routing(topK: 2, experts: [1, 4, 2, 3], weights: [0.5, 0.5, 0.5, 0.5])
        try runner.start(0, layer: LayerIndex(1), activations: rows, routing: good)
        try runner.finish(0, into: &sums)
        #expect(sums.contains { $0 != 0 })
    }

    @Test("Sums of parts are the sum, bit for bit, in any order of pairs")
    func pairs() throws {
        let model = try TinyModel().wholeModel()
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let arithmetic = ExpertArithmetic(kernels: kernels)
        let rows = activations(model, kernels)
        let pairs = [(0, 3, 0.7), (1, 3, 0.2), (0, 1, 0.3), (1, 6, 0.8)].map {
            ExpertArithmetic.Pair(row: Int32($0.0), expert: $0.1, gateWeight: Float($0.2))
        }
        func sum(_ parts: [[ExpertArithmetic.Pair]]) throws -> [Double] {
            var sums = Array(repeating: 0.0, count: 2 * rows.width)
            for part in parts {
                try arithmetic.run(
                    layer: LayerIndex(0),
                    pairs: part,
                    held: model.held,
                    activations: rows,
                    into: &sums
                )
            }
            return sums
        }
        let whole = try sum([pairs])
        #expect(try sum([pairs.reversed()]) == whole)
        #expect(try sum(pairs.map { [$0] }) == whole)
        #expect(try sum([[pairs[3], pairs[0]], [], [pairs[2], pairs[1]]]) == whole)
        #expect(whole.allSatisfy { ($0 * 0x1p36).rounded() == $0 * 0x1p36 })
        arithmetic.releaseMemory()
        #expect(try sum([pairs]) == whole)
    }
}
