import ClusterTesting
import Fuzzing
import Model
import Testing

/// Every cut and every flipped bit of a whole model file, used the way the daemons use it.
///
/// `make test` does one family; `make damage` does all, and one with a byte-level vocabulary.
@Suite("Damaged model files, all of them")
struct DamagedFileTests {
    static let families = runsLong ? Architecture.known : [Architecture.known[1]]
    private let probe = ModelProbe()

    @Test("An undamaged file is computed with, whatever its family", arguments: Architecture.known)
    func undamaged(family: Architecture) throws {
        let valid = try ValidFile(TinyModel.smallest(of: family))
        let scratch = try ScratchFile()
        try scratch.write(valid.bytes)
        #expect(probe.outcome(ofFileAt: scratch.path) == .computed(isFinite: true))
    }

    @Test("Cut at any byte, a file is refused", arguments: families)
    func truncation(family: Architecture) throws {
        let valid = try ValidFile(TinyModel.smallest(of: family))
        let scratch = try ScratchFile()
        try scratch.write(valid.bytes)
        for count in valid.bytes.indices.reversed() {
            try scratch.resize(to: count)
            let outcome = probe.outcome(ofFileAt: scratch.path)
            guard case .refused(let words) = outcome else {
                Issue.record("\(count) of \(valid.bytes.count) bytes: \(outcome)")
                continue
            }
            #expect(words.hasPrefix(scratch.path), "\(words)")
        }
    }

    @Test(
        "With any one bit of the metadata flipped, a file is refused or used",
        arguments: families
    )
    func flips(family: Architecture) throws {
        try flipEveryBit(of: ValidFile(TinyModel.smallest(of: family)), called: family.name)
    }

    @Test("The same with a byte-level vocabulary and rounded weights", .enabled(if: runsLong))
    func byteLevelFlips() throws {
        var recipe = TinyModel()
        recipe.layerCount = 1
        recipe.expertCount = 2
        try flipEveryBit(of: ValidFile(recipe.contents()), called: "byte-level")
    }

    private func flipEveryBit(of valid: ValidFile, called name: String) throws {
        let scratch = try ScratchFile()
        try scratch.write(valid.bytes)
        var (refused, finite, infinite, large) = (0, 0, 0, 0)
        for offset in 0..<valid.headerByteCount {
            for bit in 0..<8 {
                try scratch.set(valid.bytes[offset] ^ 1 << UInt8(bit), at: offset)
                switch probe.outcome(ofFileAt: scratch.path) {
                case .refused: refused += 1
                case .computed(let isFinite):
                    if isFinite { finite += 1 } else { infinite += 1 }
                case .tooLarge: large += 1
                }
            }
            try scratch.set(valid.bytes[offset], at: offset)
        }
        #expect(refused > 0 && finite > 0)
        print(
            """
            \(name): \(8 * valid.headerByteCount) flips: \(refused) refused, \(finite) computed, \
            \(infinite) not finite, \(large) not computed
            """
        )
    }
}
