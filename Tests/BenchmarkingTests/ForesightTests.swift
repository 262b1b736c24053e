import Benchmarking
import ClusterTesting
import Kernels
import Model
import Testing

@Suite("Guesses of what coming layers choose")
struct ForesightTests {
    private static func benchmark(_ model: WholeModel) throws -> ForesightBenchmark {
        try ForesightBenchmark(
            model.file,
            kernels: Kernels(instructionSet: .detected, threadCount: 1)
        )
    }

    private static func window(of model: WholeModel, seed: UInt64) -> [Int32] {
        var random = SeededRandom(seed: seed)
        let vocabulary = Int32(model.description.vocabularyCount)
        return (0..<40).map { _ in Int32.random(in: 0..<vocabulary, using: &random) }
    }

    private static var recipe: TinyModel {
        var recipe = TinyModel(seed: 5)
        recipe.layerCount = 4
        return recipe
    }

    @Test("Each layer is guessed once from each distance that there are layers for, row by row")
    func counts() throws {
        let model = try Self.recipe.contents().wholeModel()
        let benchmark = try Self.benchmark(model)
        let windows = [1, 2].map { Self.window(of: model, seed: $0) }
        let scores = try benchmark.run(windows)
        #expect(scores.map(\.rowCount) == [4, 3, 2, 1].map { $0 * 80 })
        for score in scores {
            #expect(score.choiceCount == score.rowCount * Self.recipe.expertsPerToken)
            #expect(score.rightCount > 0 && score.rightCount <= score.choiceCount)
            #expect(score.rightFirstCount <= score.rowCount)
        }
        #expect(try #require(scores[3].accuracy) < 1, "from so far not all is right")
        // Nothing is left of a text that was judged before.
        #expect(try benchmark.run(windows) == scores)
    }

    @Test("Where layers leave the stream as it is, all guesses are right")
    func unchangedStream() throws {
        var contents = Self.recipe.contents()
        for layer in 0..<Self.recipe.layerCount {
            for name in ["attn_output", "ffn_down_exps"] {
                let full = "blk.\(layer).\(name).weight"
                let tensor = try #require(contents[full])
                contents[full] = .zeros(full, tensor.type, tensor.dimensions)
            }
        }
        let model = try contents.wholeModel()
        let scores = try Self.benchmark(model).run([Self.window(of: model, seed: 3)])
        #expect(scores.count == 4)
        for score in scores {
            #expect(score.accuracy == 1 && score.firstAccuracy == 1)
        }
    }

    @Test("Experts count wherever a row names them, and each row for itself")
    func score() {
        func routing(_ experts: [Int32]) -> Routing {
            Routing(topK: 2, experts: experts, weights: experts.map { _ in 0.5 })
        }
        var score = ForesightScore()
        #expect(score.accuracy == nil && score.firstAccuracy == nil)
        // Of three rows: both in another order, one, and none but the other row's.
        score.add(routing([1, 2, 3, 4, 5, 6]), routing([2, 1, 3, 7, 4, 3]))
        #expect(score.rowCount == 3 && score.choiceCount == 6)
        #expect(score.rightCount == 3 && score.rightFirstCount == 1)
        // Of other rows nothing is known.
        score.add(routing([1, 2]), routing([1, 2, 3, 4]))
        #expect(score.rowCount == 3)
        var sum = score
        sum.add(score)
        #expect(sum.accuracy == 0.5 && sum.rowCount == 6)
    }
}
