import Experts
import Kernels
import Model
import Tensors

/// Records how large that is what experts' columns are multiplied with, and lets another compute.
final class ImportanceRecorder: ExpertRunner {
    private let inner: any ExpertRunner
    private let held: HeldExperts
    private let kernels: Kernels
    /// `[layer][expert]`.
    private(set) var records: [[Record]]

    /// What came to one expert.
    struct Record {
        var rowCount = 0
        /// Sums of squares: by column of gate and up, and by column of down; empty where no row
        /// came.
        var inputs: [Double] = []
        var inners: [Double] = []
    }

    /// - Precondition: `held` holds every expert that a router can choose.
    init(_ inner: any ExpertRunner, held: HeldExperts, expertCounts: [Int], kernels: Kernels) {
        self.inner = inner
        self.held = held
        self.kernels = kernels
        records = expertCounts.map { Array(repeating: Record(), count: $0) }
    }

    func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        var visits: [Int: [UInt32]] = [:]
        for (index, expert) in routing.experts.enumerated() {
            visits[Int(expert), default: []].append(UInt32(index / routing.topK))
        }
        for (expert, rows) in visits {
            guard let weights = held[ExpertID(layer: layer, index: expert)] else { continue }
            let chosen = activations.selecting(
                rows: rows,
                values: activations.hasValues,
                quants: activations.hasQuants
            )
            record(chosen, weights, &records[layer.rawValue][expert])
        }
        try inner.start(part, layer: layer, activations: activations, routing: routing)
    }

    private func record(_ x: Activations, _ weights: FeedForwardWeights, _ record: inout Record) {
        var gate = [Float](repeating: 0, count: x.rowCount * weights.gate.rowCount)
        var up = gate
        kernels.multiply(weights.gate, x, into: &gate)
        kernels.multiply(weights.up, x, into: &up)
        var products = gate
        kernels.siluMultiply(gate: gate, up: up, into: &products)
        record.rowCount += x.rowCount
        Self.addSquares(products, width: weights.gate.rowCount, to: &record.inners)
        Self.addSquares(Self.values(of: x), width: x.width, to: &record.inputs)
    }

    /// As products take them where only the rounded form is known.
    private static func values(of x: Activations) -> [Float] {
        guard !x.hasValues else { return x.values }
        return x.quants.indices.map { Float(x.quants[$0]) * x.scales[$0 / Activations.blockLength] }
    }

    private static func addSquares(_ values: [Float], width: Int, to sums: inout [Double]) {
        sums.resize(to: width, filler: 0)
        for (index, value) in values.enumerated() {
            sums[index % width] += Double(value) * Double(value)
        }
    }

    func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        try inner.finish(part, into: &sums)
    }

    func cancel() { inner.cancel() }
}
