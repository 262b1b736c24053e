import Benchmarking
import ClusterTesting
import Foundation
import Inference
import Kernels
import Model
import Tensors
import Testing

@Suite("The skew of a model of random weights")
struct SkewTests {
    private static let expertCount = 32
    private static let topK = 4

    @Test("Routers choose experts as Zipf's law says", arguments: [0.0, 0.5, 1.0, 1.5])
    func skew(exponent: Double) throws {
        var recipe = tinyRecipe()
        recipe.expertCount = Self.expertCount
        recipe.expertsPerToken = Self.topK
        recipe.skew = exponent
        recipe.layerCount = 1
        let found = try Self.popularity(recipe)
        let expected = Self.drawn(exponent: exponent)
        // The shares of the four, eight and sixteen most popular experts.
        for count in [4, 8, 16] {
            let (a, b) = (Self.share(found, of: count), Self.share(expected, of: count))
            // Routers' noise is Gaussian, with thinner tails than Gumbel's, so not quite equal.
            #expect(abs(a - b) < 0.1, "\(count) most popular: \(a) instead of \(b)")
        }
    }

    /// How often each expert of the first layer is chosen, most often first.
    private static func popularity(_ recipe: ModelRecipe) throws -> [Int] {
        let model = try WholeModel(made(recipe))
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let counter = RoutingCounter(expertCount: expertCount)
        let forward = model.forward(kernels: kernels, experts: counter)
        var random = SeededRandom(seed: 5)
        var logits: [Float] = []
        for _ in 0..<8 {
            let tokens = (0..<256).map { _ in Int32(random.next() % 1000) }
            let context = try forward.makeContext(capacity: tokens.count)
            var batch = Batch()
            batch.append(tokens[...], from: 0, of: context, logits: .none)
            try forward.run(batch, logits: &logits)
        }
        return counter.counts.sorted(by: >)
    }

    /// The same by drawing without replacement: logits minus Gumbel noise, the largest first.
    private static func drawn(exponent: Double) -> [Int] {
        var random = SeededRandom(seed: 6)
        var counts = [Int](repeating: 0, count: expertCount)
        for _ in 0..<2048 {
            let keys = (0..<expertCount).map { rank in
                -exponent * log(Double(rank + 1)) - log(-log(1 - random.unit()))
            }
            for expert in keys.indices.sorted(by: { keys[$0] > keys[$1] }).prefix(topK) {
                counts[expert] += 1
            }
        }
        return counts.sorted(by: >)
    }

    private static func share(_ counts: [Int], of most: Int) -> Double {
        Double(counts.prefix(most).reduce(0, +)) / Double(counts.reduce(0, +))
    }
}

/// Counts what routers choose and computes nothing.
private final class RoutingCounter: ExpertRunner {
    private(set) var counts: [Int]

    init(expertCount: Int) { counts = Array(repeating: 0, count: expertCount) }

    func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        for expert in routing.experts { counts[Int(expert)] += 1 }
    }

    func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {}

    func cancel() {}
}
