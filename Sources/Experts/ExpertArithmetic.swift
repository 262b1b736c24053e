public import Kernels
public import Model
public import Tensors

/// Computes experts for rows of activations: the same code in one process and on a worker.
public final class ExpertArithmetic {
    private let kernels: Kernels

    public init(kernels: Kernels) { self.kernels = kernels }

    /// One row's visit to one expert.
    public struct Pair: Equatable, Sendable {
        public let row: Int32
        public let expert: Int
        public let gateWeight: Float

        public init(row: Int32, expert: Int, gateWeight: Float) {
            self.row = row
            self.expert = expert
            self.gateWeight = gateWeight
        }
    }

    /// Adds each pair's weighted expert output to its row's sum.
    ///
    /// - Parameters:
    ///   - pairs: rows are those of `activations`.
    ///   - activations: `[rows, hidden]` in the forms the layer's experts need.
    ///   - sums: `[rows, hidden]`, f64, multiples of 2^-36.
    /// - Throws: the first expert that is not held; nothing is added then.
    public func run(
        layer: LayerIndex,
        pairs: some Sequence<Pair>,
        held: HeldExperts,
        activations: Activations,
        into sums: inout [Double]
    ) throws(MissingExpert) {
        var visits: [Int: (rows: [Int32], weights: [Float])] = [:]
        for pair in pairs {
            visits[pair.expert, default: ([], [])].rows.append(pair.row)
            visits[pair.expert, default: ([], [])].weights.append(pair.gateWeight)
        }
        var groups: [ExpertGroup] = []
        groups.reserveCapacity(visits.count)
        for (expert, visit) in visits.sorted(by: { $0.key < $1.key }) {
            let id = ExpertID(layer: layer, index: expert)
            guard let weights = held[id] else { throw MissingExpert(id: id) }
            groups.append(
                ExpertGroup(
                    gate: weights.gate,
                    up: weights.up,
                    down: weights.down,
                    rows: visit.rows,
                    weights: visit.weights
                )
            )
        }
        kernels.feedForward(groups, activations: activations, into: &sums)
    }
}

/// An expert that was asked for and is not held.
public struct MissingExpert: Error, Equatable, CustomStringConvertible {
    public let id: ExpertID

    public var description: String { "\(id) is not held here" }
}
