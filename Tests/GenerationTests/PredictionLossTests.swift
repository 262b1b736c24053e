import Foundation
import Generation
import Testing

@Suite("How far predictions are from others")
struct PredictionLossTests {
    @Test("The same predictions lose nothing")
    func same() throws {
        var loss = PredictionLoss()
        #expect(loss.perplexityLoss == nil && loss.divergence == nil && loss.agreement == nil)
        let logits: [Float] = [1, 2, 3, -4]
        for next: Int32 in 0..<4 { loss.add(exact: logits[...], lossy: logits[...], next: next) }
        #expect(loss.count == 4)
        #expect(loss.perplexityLoss == 0)
        #expect(loss.divergence == 0)
        #expect(loss.agreement == 1)
        #expect(try #require(loss.exactPerplexity) == #require(loss.lossyPerplexity))
    }

    @Test("Divergence and perplexity are those of the definitions")
    func definitions() throws {
        var loss = PredictionLoss()
        // 3/4 and 1/4, against 1/2 and 1/2; offsets change no probability.
        let exact: [Float] = [log(3) + 7, 7]
        let lossy: [Float] = [-2, -2]
        loss.add(exact: exact[...], lossy: lossy[...], next: 0)
        let expected = 0.75 * log(1.5) + 0.25 * log(0.5)
        #expect(abs(try #require(loss.divergence) - expected) < 1e-6)
        #expect(abs(try #require(loss.exactPerplexity) - 4.0 / 3) < 1e-6)
        #expect(abs(try #require(loss.lossyPerplexity) - 2) < 1e-6)
        #expect(abs(try #require(loss.perplexityLoss) - 0.5) < 1e-6)
        // Equal ones: the lower token counts as the likeliest.
        #expect(loss.agreement == 1)
        loss.add(exact: [0, 1], lossy: [1, 0], next: 1)
        #expect(loss.agreement == 0.5)
    }
}
