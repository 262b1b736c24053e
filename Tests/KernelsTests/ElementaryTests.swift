import CKernels
import Foundation
import Kernels
import Testing

@Suite("Exponential, sine and cosine")
struct ElementaryTests {
    /// Numbers over the whole range, with the ends of it.
    private var arguments: [Float] {
        var random = Random(seed: 21)
        return random.floats(20_001, limit: 110) + random.floats(20_000, limit: 1)
    }

    @Test("exp is within 2 units in the last place, in every table the same")
    func exponential() {
        var expected = arguments
        kernels(.scalar).exp(&expected)
        for (x, y) in zip(arguments, expected) {
            let exact = Foundation.exp(Double(x))
            guard exact < Double(Float.greatestFiniteMagnitude) else {
                #expect(y == .infinity)
                continue
            }
            let unit = Double(Float(exact).ulp)
            #expect(abs(Double(y) - exact) <= 2 * unit, "exp(\(x))")
        }
        for set in fasterSets {
            var y = arguments
            kernels(set).exp(&y)
            #expect(same(y, expected))
        }
    }

    @Test("exp has the limits of the exponential")
    func limits() {
        for set in InstructionSet.supported {
            var y: [Float] = [-.infinity, -1000, 0, -0, 1000, .infinity, .nan]
            kernels(set).exp(&y)
            #expect(y.prefix(6) == [0, 0, 1, 1, .infinity, .infinity] && y[6].isNaN)
        }
    }

    @Test("Sine and cosine are within 1e-12 for every angle that a position can make")
    func sineAndCosine() {
        var random = Random(seed: 22)
        // The largest context times the fastest turn that model files may ask for.
        var angles = (0..<20_000).map { _ in Double.random(in: -0x1p28...0x1p28, using: &random) }
        angles += (0..<2000).map { Double($0) * .pi / 4 }
        angles += (0..<1000).map { Double($0) * 0x1p-8 }
        for angle in angles {
            var sine = 0.0
            var cosine = 0.0
            unsafe moiety_sincos(angle, &sine, &cosine)
            #expect(abs(sine - sin(angle)) < 1e-12 && abs(cosine - cos(angle)) < 1e-12, "\(angle)")
        }
    }

    @Test("The sigmoid of a number is that of a row, and saturates without NaN")
    func sigmoid() {
        let kernels = kernels(.detected)
        var row: [Float] = [-200, -3, 0, 0.5, 200]
        let alone = row.map { kernels.sigmoid($0) }
        kernels.sigmoid(&row)
        #expect(row == alone)
        #expect(row[0] == 0 && row[2] == 0.5 && row[4] == 1)
    }
}
