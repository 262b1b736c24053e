public import Kernels
public import Model
public import Tensors

/// Computes experts for rows of activations: the same code in one process and on a worker.
///
/// Used from one thread. Keeps its memory from batch to batch, until it is released.
public final class ExpertArithmetic {
    private let kernels: Kernels
    /// Of the batch under way, in the order given.
    @usableFromInline var pairs: [Pair] = []
    /// Where the pairs of each expert end in `order`.
    private var places: [Int] = []
    /// Indices of pairs, expert by expert, those of one expert in the order given.
    private var order: [Int] = []
    private var visits = ExpertVisits()

    public init(kernels: Kernels) { self.kernels = kernels }

    /// Lets go of what large batches needed, here and in the kernels.
    public func releaseMemory() {
        pairs = []
        places = []
        order = []
        visits = ExpertVisits()
        kernels.releaseMemory()
    }

    /// One row's visit to one expert.
    public struct Pair: Equatable, Sendable {
        public let row: Int32
        public let expert: Int
        public let gateWeight: Float

        @inlinable
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
    @inlinable
    public func run(
        layer: LayerIndex,
        pairs: some Sequence<Pair>,
        held: some ExpertHolder,
        activations: Activations,
        into sums: inout [Double]
    ) throws(MissingExpert) {
        self.pairs.removeAll(keepingCapacity: true)
        for pair in pairs { self.pairs.append(pair) }
        try run(layer: layer, held: held, activations: activations, into: &sums)
    }

    /// Computes `pairs`.
    @usableFromInline
    func run(
        layer: LayerIndex,
        held: some ExpertHolder,
        activations: Activations,
        into sums: inout [Double]
    ) throws(MissingExpert) {
        for pair in pairs {
            let id = ExpertID(layer: layer, index: pair.expert)
            guard held[id] != nil else { throw MissingExpert(id: id) }
        }
        sortByExpert()
        visits.removeAll()
        var start = 0
        for (expert, end) in places.enumerated() where end > start {
            for index in order[start..<end] {
                visits.add(row: pairs[index].row, weight: pairs[index].gateWeight)
            }
            start = end
            guard let weights = held[ExpertID(layer: layer, index: expert)] else { continue }
            visits.addExpert(gate: weights.gate, up: weights.up, down: weights.down)
        }
        kernels.feedForward(visits, activations: activations, into: &sums)
    }

    /// Fills `order`; `places` then has the end of each expert's pairs.
    private func sortByExpert() {
        let count = pairs.reduce(0) { max($0, $1.expert + 1) }
        places.removeAll(keepingCapacity: true)
        places.resize(to: count, filler: 0)
        order.resize(to: pairs.count, filler: 0)
        for pair in pairs { places[pair.expert] += 1 }
        var start = 0
        for expert in places.indices {
            start += places[expert]
            places[expert] = start - places[expert]
        }
        for (index, pair) in pairs.enumerated() {
            order[places[pair.expert]] = index
            places[pair.expert] += 1
        }
    }
}

/// An expert that was asked for and is not held.
public struct MissingExpert: Error, Equatable, CustomStringConvertible {
    public let id: ExpertID

    public var description: String { "\(id) is not held here" }
}
