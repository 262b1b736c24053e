import ClusterTesting
import Foundation
import Inference
import Model
import Tensors

/// A router in double precision, written the obvious way.
struct NaiveRouter {
    /// `[experts][hidden]`.
    private let weights: [[Float]]

    init?(_ model: WholeModel, layer: LayerIndex) {
        guard case .experts(let router, _) = model.weights.layers[layer.rawValue].feedForward
        else { return nil }
        let (rows, columns) = (router.rowCount, router.columnCount)
        let values = router.bytes.floats(at: router.offset, count: rows * columns)
        weights = (0..<rows).map { Array(values[$0 * columns..<($0 + 1) * columns]) }
    }

    /// The softmax over all experts for one row of activations.
    func probabilities(_ row: ArraySlice<Float>) -> [Double] {
        let logits = weights.map { weights in
            zip(weights, row).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        }
        let largest = logits.max() ?? 0
        let powers = logits.map { exp($0 - largest) }
        let total = powers.reduce(0, +)
        return powers.map { $0 / total }
    }

    /// Experts by probability, equal ones by the lower index.
    static func ranking(_ probabilities: [Double]) -> [Int] {
        probabilities.indices.sorted {
            (probabilities[$1], $0) < (probabilities[$0], $1)
        }
    }
}

extension RecordingRunner.Visit {
    func row(_ index: Int) -> ArraySlice<Float> {
        activations.values[index * activations.width..<(index + 1) * activations.width]
    }
}

extension RecordingRunner {
    /// The first row of the recorded steps at which some router was as good as tied.
    ///
    /// From there on, rounding decides which experts a sequence is computed with.
    func firstTie(_ model: WholeModel, closerThan margin: Double) -> Int? {
        visits.compactMap { visit -> Int? in
            guard let router = NaiveRouter(model, layer: visit.layer) else { return nil }
            let topK = visit.routing.topK
            return (0..<visit.routing.rowCount).first { row in
                let sorted = router.probabilities(visit.row(row)).sorted(by: >)
                return topK < sorted.count && sorted[topK - 1] - sorted[topK] < margin
            }
        }.min()
    }
}
