import Model
import Tensors

/// Counts how often each expert is chosen, and lets another compute it.
final class CountingRunner: ExpertRunner {
    private let inner: any ExpertRunner
    /// `[layer][expert]`.
    private(set) var uses: [[Double]]
    /// Which experts rows may go to, nil for all; set between steps.
    var present: PresentExperts?

    init(_ inner: any ExpertRunner, expertCounts: [Int]) {
        self.inner = inner
        uses = expertCounts.map { Array(repeating: 0, count: $0) }
    }

    func forget() {
        for layer in uses.indices {
            for expert in uses[layer].indices { uses[layer][expert] = 0 }
        }
    }

    func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        for expert in routing.experts { uses[layer.rawValue][Int(expert)] += 1 }
        try inner.start(part, layer: layer, activations: activations, routing: routing)
    }

    func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        try inner.finish(part, into: &sums)
    }

    func cancel() { inner.cancel() }
}
