import ClusterTesting
import Foundation
import Generation
import Inference
import Model
import Testing
import Tokenizer

private struct Expected: Decodable {
    struct Task: Decodable {
        var perplexity: Double
        var scored: Int

        enum CodingKeys: String, CodingKey {
            case perplexity = "transformers_f32"
            case scored = "tokens_scored"
        }
    }

    var context: Int
    var tasks: [String: Task]
}

@Suite("Perplexity of the demo model on the validation texts")
struct PerplexityTests {
    private static let directory = WholeModel.repository.appending(path: "Tests/Fixtures/demo")

    @Test(
        "It is that of transformers, within 0.3 %",
        arguments: ["manual", "book", "python", "c", "german", "french"]
    )
    func perplexity(task: String) throws {
        let expected = try decode(
            Expected.self,
            at: Self.directory.appending(path: "perplexity.json").path
        )
        let text = try Data(contentsOf: Self.directory.appending(path: "val/\(task).txt"))
        let model = try WholeModel.demo
        let tokenizer = try Tokenizer(model.file.vocabulary())
        var perplexity = Perplexity(
            tokens: try tokenizer.encode(Array(text)),
            windowLength: expected.context,
            bos: tokenizer.addsBOS ? tokenizer.bos : nil
        )
        let forward = model.forward()
        for window in perplexity.windows {
            let evaluation = Evaluation(forward: forward, tokens: window, chunk: 128)
            while !evaluation.isFinished {
                try evaluation.step { position, logits in
                    guard position >= perplexity.firstScored, position + 1 < window.count
                    else { return }
                    perplexity.add(
                        logProbability: Perplexity.logProbability(
                            of: window[position + 1],
                            in: logits
                        )
                    )
                }
            }
        }
        let reference = try #require(expected.tasks[task])
        let found = try #require(perplexity.value)
        let difference = found / reference.perplexity - 1
        print("perplexity of \(task): \(found), \(100 * difference) % from the reference")
        #expect(perplexity.scoredCount == reference.scored)
        #expect(abs(difference) < 0.003)
    }
}
