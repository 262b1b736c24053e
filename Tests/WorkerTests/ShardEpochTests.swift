import Model
import Placement
import Testing
import Worker

@Suite("Shards and the plans they belong to")
struct ShardEpochTests {
    private let layer = LayerIndex(1)

    private func part(_ index: Int, _ dimensions: Range<Int>?) -> ExpertSlice {
        ExpertSlice(ExpertID(layer: layer, index: index), dimensions: dimensions)
    }

    @Test("A share of an earlier plan may mean other shards; whole experts are always the same")
    func epochs() {
        var shards = ShardEpochs()
        shards.add([part(0, nil), part(1, 0..<32)], since: Epoch(rawValue: 5))
        for epoch in 4...6 as ClosedRange<UInt64> {
            let epoch = Epoch(rawValue: epoch)
            #expect(shards.fit([0, 2], of: layer, in: epoch))
            #expect(shards.fit([0, 1], of: layer, in: epoch) == (epoch >= Epoch(rawValue: 5)))
            #expect(shards.fit([1], of: LayerIndex(0), in: epoch))
        }
        shards.remove([ExpertID(layer: layer, index: 1)])
        #expect(shards.fit([1], of: layer, in: Epoch(rawValue: 0)))
    }

    @Test("An expert that is loaded whole after it was a shard fits every plan again")
    func wholeAgain() {
        var shards = ShardEpochs()
        shards.add([part(1, 0..<32)], since: Epoch(rawValue: 5))
        shards.add([part(1, nil)], since: Epoch(rawValue: 6))
        #expect(shards.fit([1], of: layer, in: Epoch(rawValue: 1)))
    }
}
