import Caching
import Testing

@Suite("Where a token begins, by the layers that come")
struct TokenBoundsTests {
    /// Tokens that begin while these layers are computed.
    private func count(_ layers: [Int], of layerCount: Int) -> Int {
        var bounds = TokenBounds(layerCount: layerCount)
        return layers.count { bounds.enter($0) }
    }

    @Test("However many parts a step is cut into, it is one token", arguments: 1...8)
    func parts(partCount: Int) {
        let step = (0..<48).flatMap { Array(repeating: $0, count: partCount) }
        #expect(count(step, of: 48) == 1)
        #expect(count(step + step + step, of: 48) == 3)
    }

    @Test("Layers that choose none of the experts here are missed by nobody")
    func gaps() { #expect(count([0, 3, 3, 5, 1, 1, 6, 0], of: 7) == 3) }

    @Test("With a single layer each part counts")
    func single() { #expect(count([4, 4, 4], of: 1) == 3) }
}
