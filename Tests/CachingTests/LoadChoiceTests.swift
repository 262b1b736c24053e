import Caching
import Testing

@Suite("HOBBIT's choice for a missing expert")
struct LoadChoiceTests {
    @Test("The paper's thresholds, for two experts as in Mixtral")
    func mixtral() {
        let cases: [(weights: [Float], choices: [LoadChoice])] = [
            // Second experts have the first one's weight against them.
            ([0.55, 0.45], [.high, .high]),
            ([0.7, 0.3], [.high, .low]),
            ([0.95, 0.05], [.high, .skip]),
            ([1, 0], [.high, .skip]),
            // Gate weights that were not normalised say the same.
            ([0.14, 0.06], [.high, .low]),
        ]
        var choices: [LoadChoice] = []
        for (weights, expected) in cases {
            LoadThresholds().choose(weights[...], into: &choices)
            #expect(choices == expected, "\(weights)")
        }
    }

    @Test("Six experts: all heavier ones count together")
    func many() {
        var choices: [LoadChoice] = []
        let weights: [Float] = [0.375, 0.25, 0.125, 0.125, 0.0625, 0.0625]
        #expect(LoadThresholds.scores(weights[...]) == [0, 0.375, 0.625, 0.75, 0.875, 0.9375])
        LoadThresholds().choose(weights[...], into: &choices)
        #expect(choices == [.high, .high, .low, .low, .low, .skip])
    }

    @Test("A score on a threshold is below it")
    func borders() {
        let thresholds = LoadThresholds(low: 0.5, skip: 0.75)
        #expect(thresholds.choice(unimportance: 0.5) == .high)
        #expect(thresholds.choice(unimportance: 0.75) == .low)
        #expect(thresholds.choice(unimportance: 0.76) == .skip)
    }

    @Test("Weights that are no weights leave everything in the high tier")
    func damaged() {
        var choices: [LoadChoice] = []
        for weights: [Float] in [[.nan, 1], [0, 0], [.infinity, 1], []] {
            LoadThresholds().choose(weights[...], into: &choices)
            #expect(choices == weights.map { _ in .high })
        }
    }

    @Test("Quantiles part a profile as the paper's thresholds part Mixtral's")
    func quantiles() {
        // 1000 rows of two experts; the second one's score is even between 0.5 and 1.
        let scores: [Double] = (0..<1000).flatMap { row -> [Double] in
            [0, 0.5 + Double(row) / 2000]
        }
        let thresholds = LoadThresholds(scores: scores.shuffled())
        let choices = scores.map { thresholds.choice(unimportance: $0) }
        #expect(choices.count { $0 == .high } == 1340)
        #expect(choices.count { $0 == .low } == 600)
        #expect(choices.count { $0 == .skip } == 60)
        #expect(LoadThresholds(scores: []).choice(unimportance: 0.99) == .high)
        #expect(LoadThresholds(scores: [.nan, 0.25]).low == 0.25)
    }
}
