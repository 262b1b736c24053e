import Model
import Tensors

/// What a runner was asked for, until it is finished.
struct RoutedBatch {
    let layer: LayerIndex
    let activations: Activations
    let routing: Routing
}

extension Routing {
    /// One choice, as arithmetic takes it.
    ///
    /// - Parameter index: in `experts`.
    func pair(at index: Int) -> ExpertArithmetic.Pair {
        ExpertArithmetic.Pair(
            row: Int32(index / topK),
            expert: Int(experts[index]),
            gateWeight: weights[index]
        )
    }
}
