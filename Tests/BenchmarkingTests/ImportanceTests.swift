import Benchmarking
import ClusterTesting
import GGUF
import Kernels
import Model
import Testing

@Suite("What is recorded of columns")
struct ImportanceTests {
    @Test("Every row is counted with each of its experts, and all squares are there")
    func record() throws {
        var recipe = TinyModel(seed: 5)
        recipe.expertCount = 8
        recipe.expertsPerToken = 2
        let model = try recipe.contents().wholeModel()
        var benchmark = try ImportanceBenchmark(
            model.file,
            kernels: Kernels(instructionSet: .detected, threadCount: 1),
            windowLength: 20
        )
        #expect(benchmark.unseenCount == benchmark.expertCount)
        let windows: [UInt64] = [1, 2, 3]
        for seed in windows {
            try benchmark.record(Self.tokens(of: model, seed: seed))
        }
        #expect(benchmark.unseenCount < benchmark.expertCount)
        let place = try TemporaryFile("importance.gguf")
        try benchmark.write(to: place.path)
        let file = try GGUFFile.open(path: place.path)
        for (layer, count) in model.description.expertCounts.enumerated() where count > 0 {
            func read(_ role: String, _ what: String) throws -> [Float] {
                let name = "blk.\(layer).ffn_\(role)_exps.weight.\(what)"
                return try Self.values(file, try #require(file.tensor(name)))
            }
            let counts = try read("gate", "counts")
            #expect(counts.count == count)
            #expect(counts.reduce(0, +) == Float(20 * windows.count * recipe.expertsPerToken))
            #expect(try read("up", "counts") == counts && read("down", "counts") == counts)
            let inputs = try read("gate", "in_sum2")
            #expect(try read("up", "in_sum2") == inputs)
            let inners = try read("down", "in_sum2")
            for (sums, name) in [(inputs, "gate"), (inners, "down")] {
                #expect(sums.allSatisfy { $0 >= 0 && $0.isFinite }, "\(name)")
                let width = sums.count / count
                for expert in 0..<count {
                    let sum = sums[expert * width..<(expert + 1) * width].reduce(0, +)
                    #expect((sum > 0) == (counts[expert] > 0), "\(name) of \(expert)")
                }
            }
        }
    }

    @Test("A norm's rows have as many squares as columns, on average")
    func size() throws {
        // Norms of random models multiply by about one.
        let model = try TinyModel(seed: 5).wholeModel()
        var benchmark = try ImportanceBenchmark(
            model.file,
            kernels: Kernels(instructionSet: .detected, threadCount: 1),
            windowLength: 20
        )
        try benchmark.record(Self.tokens(of: model, seed: 4))
        let place = try TemporaryFile("importance.gguf")
        try benchmark.write(to: place.path)
        let file = try GGUFFile.open(path: place.path)
        let name = "blk.0.ffn_gate_exps.weight"
        let sums = try Self.values(file, try #require(file.tensor(name + ".in_sum2")))
        let counts = try Self.values(file, try #require(file.tensor(name + ".counts")))
        let mean = sums.reduce(0, +) / counts.reduce(0, +) / Float(sums.count / counts.count)
        #expect((0.3...3).contains(mean), "\(mean)")
    }

    private static func tokens(of model: WholeModel, seed: UInt64) -> [Int32] {
        var random = SeededRandom(seed: seed)
        let vocabulary = Int32(model.description.vocabularyCount)
        return (0..<20).map { _ in Int32.random(in: 0..<vocabulary, using: &random) }
    }

    private static func values(_ file: GGUFFile, _ tensor: TensorInfo) throws -> [Float] {
        let bytes = try file.bytes(of: tensor, from: 0, count: tensor.byteCount)
        return stride(from: 0, to: bytes.count, by: 4).map { place in
            let bits = bytes[place..<place + 4].reversed().reduce(UInt32(0)) {
                $0 << 8 | UInt32($1)
            }
            return Float(bitPattern: bits)
        }
    }
}
