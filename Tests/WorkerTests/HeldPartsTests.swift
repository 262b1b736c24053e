import ClusterTesting
import Experts
import Model
import Placement
import Tensors
import Testing
import Worker

@Suite("Parts of experts and the plans that mean them")
struct HeldPartsTests {
    private static let expert = ExpertID(layer: LayerIndex(1), index: 3)
    private let whole = ExpertSlice(Self.expert)
    private let half = ExpertSlice(Self.expert, dimensions: 0..<128)

    private func weights(_ part: ExpertSlice) throws -> FeedForwardWeights {
        let loader = ExpertLoader(model: try WholeModel.demo.file, threadCount: 1)
        return try #require(try loader.load([part], digests: nil).first)
    }

    private func parts() throws -> HeldParts {
        HeldParts(expertCounts: try WholeModel.demo.description.expertCounts)
    }

    /// How many dimensions a share of an epoch would be computed with, or nil where it is refused.
    private func width(_ parts: HeldParts, in epoch: UInt64) -> Int? {
        parts.meant(by: [3], of: LayerIndex(1), in: Epoch(rawValue: epoch))?[Self.expert]?
            .gate.rowCount
    }

    @Test("One part is meant by every plan")
    func one() throws {
        var parts = try parts()
        #expect(width(parts, in: 7) == nil)
        parts.insert(try weights(half), as: half)
        #expect(width(parts, in: 0) == 128 && width(parts, in: 7) == 128)
        #expect(parts.shardByteCount == parts.byteCount && parts.byteCount > 0)
        parts.insert(try weights(whole), as: whole)
        #expect(parts.shardByteCount > 0 && parts.shardByteCount < parts.byteCount)
        parts.remove(whole)
        #expect(parts.slices == [half])
        parts.remove(half)
        #expect(parts.slices.isEmpty && parts.byteCount == 0)
    }

    @Test("Of two, plans before the change mean the first, whichever was loaded first")
    func two() throws {
        for order in [[whole, half], [half, whole]] {
            var parts = try parts()
            parts.arrange(later: [half], from: Epoch(rawValue: 5))
            for part in order { parts.insert(try weights(part), as: part) }
            #expect(parts.slices == [half, whole].sorted() && parts.count == 2)
            #expect(width(parts, in: 4) == 256 && width(parts, in: 5) == 128)
            // The change is given up.
            var before = parts
            before.remove(half)
            before.arrange(later: [], from: Epoch(rawValue: 4))
            #expect(width(before, in: 4) == 256 && width(before, in: 7) == 256)
            // The change is done: a share that meant the whole expert is not computed with a half.
            parts.remove(whole)
            parts.arrange(later: [], from: Epoch(rawValue: 6))
            #expect(width(parts, in: 4) == nil && width(parts, in: 6) == 128)
        }
    }

    @Test("What was the later part may be the earlier one of the next change")
    func back() throws {
        var parts = try parts()
        parts.arrange(later: [half], from: Epoch(rawValue: 5))
        for part in [whole, half] { parts.insert(try weights(part), as: part) }
        parts.arrange(later: [whole], from: Epoch(rawValue: 8))
        #expect(width(parts, in: 7) == 128 && width(parts, in: 8) == 256)
        #expect(parts.byteCount == (try weights(whole).byteCount) + (try weights(half).byteCount))
    }

    @Test("The later part alone does not stand in for the earlier one")
    func missing() throws {
        var parts = try parts()
        parts.arrange(later: [whole], from: Epoch(rawValue: 5))
        parts.insert(try weights(whole), as: whole)
        #expect(width(parts, in: 4) == nil && width(parts, in: 5) == 256)
    }
}
