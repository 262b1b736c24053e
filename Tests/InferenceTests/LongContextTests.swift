import ClusterTesting
import Inference
import Kernels
import Model
import Testing

@Suite("A context of 32k")
struct LongContextTests {
    private static let length = 32 << 10

    private func lastLogits(
        _ forward: ForwardPass,
        _ tokens: [Int32],
        chunk: Int,
        then single: Int
    ) throws -> [Float] {
        let context = try forward.makeContext(capacity: tokens.count)
        var found: [Float] = []
        var logits: [Float] = []
        var done = 0
        while done < tokens.count {
            let prompt = tokens.count - single
            let count = done < prompt ? min(chunk, prompt - done) : 1
            var batch = Batch()
            let wanted = done < prompt ? Batch.LogitsWanted.none : .last
            batch.append(tokens[done..<done + count], from: done, of: context, logits: wanted)
            try forward.run(batch, logits: &logits)
            found += logits
            done += count
        }
        return found
    }

    @Test("Its last tokens have the same bits, whatever the chunks and the threads")
    func bitsAgree() throws {
        var recipe = TinyModel(seed: 9)
        (recipe.layerCount, recipe.headCount, recipe.keyValueHeadCount) = (1, 2, 1)
        recipe.contextLength = Self.length
        let model = try recipe.wholeModel()
        let tokens = randomTokens(Self.length, below: model.description.vocabularyCount, seed: 3)
        let cache = CacheLimits(positions: Self.length)
        let one = try lastLogits(
            model.forward(threadCount: 1, cache: cache),
            tokens,
            chunk: 512,
            then: 3
        )
        let two = try lastLogits(
            model.forward(threadCount: 2, cache: cache),
            tokens,
            chunk: 379,
            then: 3
        )
        #expect(one.count == 3 * model.description.vocabularyCount)
        #expect(one.allSatisfy(\.isFinite) && bits(one) == bits(two))
    }

    @Test("One position more than the context has is refused")
    func full() throws {
        let forward = try TinyModel().wholeModel().forward()
        let context = try forward.makeContext(capacity: 256)
        var batch = Batch()
        batch.append([1], from: 256, of: context, logits: .last)
        var logits: [Float] = []
        #expect(throws: ForwardError.contextFull(capacity: 256)) {
            try forward.run(batch, logits: &logits)
        }
    }
}
