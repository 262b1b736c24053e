import ClusterTesting
import Experts
import Kernels
import Model
import Tensors

/// Computes experts here, and fails where it is told to.
final class MoodyRunner: ExpertRunner {
    static let failure = ExpertRunnerError.notReady(reason: "the test asked for it")

    var failingLayer: Int?
    /// How often the layer's experts are said to be cut otherwise by now, before it succeeds.
    var newCuts = 0
    private let runner: LocalRunner
    private var layer = 0

    init(_ model: WholeModel, _ kernels: Kernels) {
        runner = LocalRunner(held: model.held, kernels: kernels)
    }

    func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        self.layer = layer.rawValue
        try runner.start(part, layer: layer, activations: activations, routing: routing)
    }

    func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        if layer == failingLayer {
            guard newCuts > 0 else { throw Self.failure }
            newCuts -= 1
            if newCuts == 0 { failingLayer = nil }
            throw .cutChanged(layer: LayerIndex(layer))
        }
        try runner.finish(part, into: &sums)
    }

    func cancel() { runner.cancel() }
}

/// Computes experts here, and keeps what the router chose.
final class RecordingRunner: ExpertRunner {
    struct Visit {
        let layer: LayerIndex
        let activations: Activations
        let routing: Routing
    }

    private(set) var visits: [Visit] = []
    var present: PresentExperts?
    private let runner: LocalRunner

    func forget() { visits = [] }

    init(_ model: WholeModel, _ kernels: Kernels) {
        runner = LocalRunner(held: model.held, kernels: kernels)
    }

    func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        visits.append(Visit(layer: layer, activations: activations, routing: routing))
        try runner.start(part, layer: layer, activations: activations, routing: routing)
    }

    func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        try runner.finish(part, into: &sums)
    }

    func cancel() { runner.cancel() }
}
