import Kernels
import Model
import Tensors

/// A step's rows on their way to routers whose layers have not come.
///
/// Memory is kept from step to step.
struct ForeseenRows {
    fileprivate var input: Activations
    fileprivate var gates: [Float] = []
    fileprivate var routing: Routing

    init(_ model: ModelDescription) {
        input = Activations(rowCount: 0, width: model.hiddenSize)
        routing = Routing(topK: max(1, model.expertsPerToken))
    }
}

extension ForwardPass {
    /// Tells the experts' runner what the next layers would choose if a part's stream stayed as it
    /// is, where it wants to know.
    ///
    /// Layers change the stream by little each, so routers ahead of their time are mostly right
    /// (HOBBIT, 3.3). No result depends on it.
    ///
    /// - Parameters:
    ///   - layer: the first one that may be told of.
    ///   - distance: how far ahead the first layer with experts is from there.
    ///   - last: how far ahead the last one may be.
    func foresee(_ index: Int, from layer: Int, distance: Int, to last: Int) {
        guard experts.foresight > 0 else { return }
        var distance = distance
        for next in weights.layers.indices.dropFirst(layer) {
            guard distance <= last else { return }
            guard case .experts(let matrix, _) = weights.layers[next].feedForward else { continue }
            let norm = weights.layers[next].feedForwardNorm
            let stream = parts[index].stream
            normalize(stream, norm, rounding: !matrix.type.isFloat, into: &foreseen.input)
            multiply(matrix, foreseen.input, into: &foreseen.gates, order: .fixed)
            kernels.softmax(&foreseen.gates, width: model.expertCount)
            router.choose(foreseen.gates, into: &foreseen.routing)
            experts.foresee(
                index,
                layer: LayerIndex(next),
                distance: distance,
                routing: foreseen.routing
            )
            distance += 1
        }
    }
}
