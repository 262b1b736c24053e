import Benchmarking
import ClusterTesting
import Generation
import Kernels
import Model
import Testing

@Suite("Answers of experts that are in memory")
struct ResidencyTests {
    @Test("All experts lose nothing; fewer take less memory and answer otherwise")
    func shares() throws {
        var recipe = TinyModel(seed: 5)
        recipe.expertCount = 8
        recipe.expertsPerToken = 2
        let model = try recipe.contents().wholeModel()
        let benchmark = try ResidencyBenchmark(
            model.file,
            kernels: Kernels(instructionSet: .detected, threadCount: 1)
        )
        var random = SeededRandom(seed: 1)
        let vocabulary = Int32(model.description.vocabularyCount)
        let windows = (0..<4).map { _ in
            (0..<32).map { _ in Int32.random(in: 0..<vocabulary, using: &random) }
        }
        let texts = ["a", "b"].enumerated().map { index, task in
            ResidencyBenchmark.Text(
                task: task,
                seen: [windows[2 * index]],
                unseen: [windows[2 * index + 1]]
            )
        }
        let results = try benchmark.run(texts, shares: [0.25, 1])
        #expect(results.count == 2 * 2 * ResidencyBenchmark.Choice.allCases.count)
        var whole = 0
        for (layer, count) in model.description.expertCounts.enumerated() {
            for index in 0..<count {
                let expert = ExpertID(layer: LayerIndex(layer), index: index)
                whole += model.file.layout.byteCount(of: ExpertSlice(expert))
            }
        }
        for result in results {
            let divergence = try #require(result.loss.divergence)
            if result.share == 1 {
                #expect(result.loss.perplexityLoss == 0 && divergence == 0)
                #expect(result.loss.agreement == 1 && result.greedyAgreement == 1)
                #expect(result.byteCount == whole)
            } else {
                #expect(divergence > 0)
                #expect(result.greedyAgreement <= 1)
                #expect(result.byteCount == whole / 4)
            }
        }
    }
}
