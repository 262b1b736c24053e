import ClusterTesting
import Foundation
import Generation
import Inference
import Model
import Testing

@Suite("Looking at given tokens")
struct PerplexityDefinitionTests {
    @Test("A text is cut into whole windows whose first token becomes BOS")
    func windows() {
        let tokens = (0..<23).map { Int32($0) }
        let perplexity = Perplexity(tokens: tokens, windowLength: 10, bos: 99)
        #expect(perplexity.windows == [[99] + tokens[1..<10], [99] + tokens[11..<20]])
        #expect(perplexity.firstScored == 5 && perplexity.value == nil)
        let plain = Perplexity(tokens: tokens, windowLength: 10, bos: nil)
        #expect(plain.windows.map(\.first) == [0, 10])
        #expect(Perplexity(tokens: [1, 2, 3], windowLength: 4, bos: 0).windows.isEmpty)
    }

    @Test("It is the exponential of the mean negative log-probability")
    func value() throws {
        var perplexity = Perplexity(tokens: [], windowLength: 4, bos: nil)
        for probability in [0.5, 0.25, 0.125] {
            perplexity.add(logProbability: log(probability))
        }
        #expect(abs(try #require(perplexity.value) - 4) < 1e-12)
        #expect(perplexity.scoredCount == 3)
    }

    @Test("Log-probabilities are those of the softmax, also of huge logits and of slices")
    func logProbability() {
        let logits: [Float] = [100, 1, 2, 3, 4]
        let expected = 3 - log(exp(1.0) + exp(2) + exp(3) + exp(4))
        #expect(abs(Perplexity.logProbability(of: 2, in: logits[1...]) - expected) < 1e-9)
        #expect(Perplexity.logProbability(of: 1, in: [-3e38, 3e38]) == 0)
    }

    @Test("An evaluation shows every position once, and chunks change no bit")
    func evaluation() throws {
        let forward = try TinyModel().wholeModel().forward()
        let tokens = (0..<33).map { Int32(7 * $0 % 250) }
        func run(chunk: Int) throws -> [[Float]] {
            var rows: [[Float]] = []
            let evaluation = Evaluation(forward: forward, tokens: tokens, chunk: chunk)
            while !evaluation.isFinished {
                try evaluation.step { position, logits in
                    #expect(position == rows.count)
                    rows.append(Array(logits))
                }
            }
            return rows
        }
        let whole = try run(chunk: 64)
        #expect(whole.count == 33)
        #expect(try run(chunk: 1) == whole)
        #expect(try run(chunk: 10) == whole)
        #expect(try run(chunk: 0) == whole)
        let empty = Evaluation(forward: forward, tokens: [])
        #expect(empty.isFinished)
        try empty.step { _, _ in Issue.record("there is nothing to show") }
    }

    @Test("The largest logits come first, equal ones by the lower token")
    func top() {
        let logits: [Float] = [9, 2, 5, 1, 5, 2]
        let top = Evaluation.top(3, of: logits[1...])
        #expect(top == Evaluation.Position(ids: [1, 3, 0], logits: [5, 5, 2]))
        #expect(Evaluation.top(10, of: logits[...]).ids.count == 6)
        #expect(Evaluation.top(0, of: logits[...]).ids.isEmpty)
    }

    @Test("A token outside the vocabulary is an error")
    func unknownToken() throws {
        let forward = try TinyModel().wholeModel().forward()
        let evaluation = Evaluation(forward: forward, tokens: [1, 30000])
        #expect(throws: ForwardError.self) { try evaluation.step { _, _ in } }
    }
}
