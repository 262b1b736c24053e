import Model
import Testing

@Suite("Names of what is not exact")
struct LossyWordsTests {
    @Test("Each is found by its name, and nothing else is")
    func names() {
        for kind in LossyKind.allCases {
            #expect(LossyKind(name: kind.name) == kind)
            #expect(LossyName(name: kind.name) == .tiers(kind))
            #expect(LossyName.tiers(kind).kind == kind)
        }
        for name in LossyName.all { #expect(LossyName(name: name.name) == name) }
        #expect(LossyKind(name: LossyName.emoe.name) == nil && LossyName.emoe.kind == nil)
        for choice in LowTierChoice.all { #expect(LowTierChoice(name: choice.name) == choice) }
        for text in ["", "Hobbit", "q5", "Q4", "q4_0"] {
            #expect(LossyName(name: text) == nil && LowTierChoice(name: text) == nil)
        }
    }

    @Test("A tier is known by its bits, and there may be none")
    func tiers() {
        for tier in LowTier.allCases {
            #expect(LowTier(bitCount: tier.bitCount) == tier)
            #expect(LowTierChoice(name: tier.rawValue)?.tier == tier)
        }
        for count in [-1, 0, 1, 5, Int.max] { #expect(LowTier(bitCount: count) == nil) }
        #expect(LowTierChoice(name: "none") == .without && LowTierChoice.without.tier == nil)
        #expect(LowTierChoice.usual.tier != nil)
    }

    @Test("Sentences have all of them")
    func sentences() {
        #expect(LossyKind.names == "hobbit or resident")
        #expect(LossyName.names == "hobbit, resident or emoe")
        #expect(LowTier.names == "q4, q3 or q2")
        #expect(LowTierChoice.names == "q4, q3, q2 or none")
        #expect(LossyKind.resident.words(lowTier: "q3") == "resident q3")
        #expect(LossyKind.hobbit.words(lowTier: nil) == "hobbit")
    }
}
