import ClusterTesting
import Inference
import Kernels
import Model
import Testing

@Suite("Experts in shards")
struct ShardTests {
    /// Two unequal slices of every expert; nil where it is too narrow.
    private func shards(of model: WholeModel) -> [Range<Int>]? {
        guard let width = model.description.expertWidth, width >= 64 else { return nil }
        let border = max(32, width * 3 / 8 / 32 * 32)
        return [0..<border, border..<width]
    }

    @Test(
        "Logits are the whole experts' but for rounding, and the same bits on every machine",
        arguments: NamedModel.integerModels
    )
    func logits(named: NamedModel) throws {
        guard let shards = shards(of: named.model) else { return }
        let limit = named.model.description.vocabularyCount
        let tokens = randomTokens(40, below: limit, seed: 12)
        let whole = try named.model.forward().logits(of: tokens)
        let found = try named.model.forward(shards: shards).logits(of: tokens)
        // A sum that falls the other way may move one rounded activation by a step of 1/127 of its
        // block's largest, here and there, so the last layer's outputs differ by some thousandths.
        let size = whole.reduce(0) { $0 + $1 * $1 }
        let difference = zip(found, whole).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        #expect((difference / size).squareRoot() < 0.02, "\(named.testDescription)")
        let swapped = try named.model.forward(shards: shards.reversed(), threadCount: 2)
        #expect(bits(try swapped.logits(of: tokens, chunk: 7)) == bits(found))
        for set in InstructionSet.supported where set != .detected {
            let forward = try named.model.forward(shards: shards, set)
            #expect(bits(try forward.logits(of: tokens)) == bits(found), "\(set.name)")
        }
    }
}
