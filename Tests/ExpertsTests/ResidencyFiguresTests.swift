import Experts
import Testing

@Suite("What experts on disk cost")
struct ResidencyFiguresTests {
    @Test("Shares are of what there was, tier by tier, and of nothing where there was nothing")
    func shares() {
        var figures = ResidencyFigures()
        #expect(figures.hitRate == 0 && figures.tierHitRates == nil)
        #expect(figures.accuracies.isEmpty && figures.bytesInVain == 0)
        (figures.uses, figures.hits) = (10, 4)
        #expect(figures.hitRate == 0.4 && figures.tierHitRates == nil)
        (figures.lowUses, figures.lowHits) = (2, 1)
        #expect(figures.tierHitRates?.high == 0.375 && figures.tierHitRates?.low == 0.5)
        // All of them came in few bits.
        (figures.lowUses, figures.lowHits) = (10, 4)
        #expect(figures.tierHitRates?.high == 0 && figures.tierHitRates?.low == 0.4)
        (figures.bytesRead, figures.bytesNeeded) = (100, 70)
        #expect(figures.bytesInVain == 30)
        figures.guesses = [4, 0, 2, 0]
        figures.rightGuesses = [3, 0, 1, 0]
        #expect(figures.accuracies == [0.75, 0.5])
    }
}
