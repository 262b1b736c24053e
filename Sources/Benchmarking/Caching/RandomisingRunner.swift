import Model
import Tensors

/// Sends the rows of the first layers to experts drawn at random instead of those chosen.
///
/// Gate weights stay as they are. What a layer's right experts are worth is what is lost.
final class RandomisingRunner: ExpertRunner {
    private let inner: any ExpertRunner
    private let expertCounts: [Int]
    /// Layers with a lower index are randomised.
    var end = 0
    private var random: SeededRandom

    init(_ inner: any ExpertRunner, expertCounts: [Int], seed: UInt64 = 1) {
        self.inner = inner
        self.expertCounts = expertCounts
        random = SeededRandom(seed: seed)
    }

    func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        var routing = routing
        if layer.rawValue < end { randomise(&routing, expertCount: expertCounts[layer.rawValue]) }
        try inner.start(part, layer: layer, activations: activations, routing: routing)
    }

    private func randomise(_ routing: inout Routing, expertCount: Int) {
        for row in 0..<routing.rowCount {
            var drawn: [Int32] = []
            while drawn.count < routing.topK {
                let expert = Int32(random.next() % UInt64(expertCount))
                if !drawn.contains(expert) { drawn.append(expert) }
            }
            for (index, expert) in drawn.enumerated() {
                routing.experts[row * routing.topK + index] = expert
            }
        }
    }

    func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        try inner.finish(part, into: &sums)
    }

    func cancel() { inner.cancel() }
}
