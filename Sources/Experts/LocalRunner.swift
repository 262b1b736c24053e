public import Kernels
public import Model
public import Tensors

/// Computes all experts in this process.
///
/// With `owners`, experts are summed owner by owner as that many workers would: by the one
/// arithmetic this changes no bit, which is how a plan is tried without a cluster.
public final class LocalRunner: ExpertRunner {
    private let held: HeldExperts
    private let arithmetic: ExpertArithmetic
    /// `[layer][expert]`: which owner computes it; empty for one owner.
    private let owners: [[Int]]
    private let ownerCount: Int
    /// By part.
    private var batches: [Int: Batch] = [:]

    private struct Batch {
        let layer: LayerIndex
        let activations: Activations
        let routing: Routing
    }

    /// - Precondition: `held` holds every expert that a router can choose.
    public init(held: HeldExperts, kernels: Kernels, owners: [[Int]] = []) {
        self.held = held
        self.owners = owners
        ownerCount = (owners.flatMap { $0 }.max() ?? 0) + 1
        arithmetic = ExpertArithmetic(kernels: kernels)
    }

    public func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        batches[part] = Batch(layer: layer, activations: activations, routing: routing)
    }

    public func cancel() { batches.removeAll(keepingCapacity: true) }

    public func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        guard let batch = batches.removeValue(forKey: part) else { return }
        let routing = batch.routing
        for owner in 0..<ownerCount {
            let pairs = routing.experts.indices.lazy
                .filter { self.owner(of: Int(routing.experts[$0]), in: batch.layer) == owner }
                .map { index in
                    ExpertArithmetic.Pair(
                        row: Int32(index / routing.topK),
                        expert: Int(routing.experts[index]),
                        gateWeight: routing.weights[index]
                    )
                }
            do throws(MissingExpert) {
                try arithmetic.run(
                    layer: batch.layer,
                    pairs: pairs,
                    held: held,
                    activations: batch.activations,
                    into: &sums
                )
            } catch {
                throw .notReady(reason: error.description)
            }
        }
    }

    private func owner(of expert: Int, in layer: LayerIndex) -> Int {
        owners.isEmpty ? 0 : owners[layer.rawValue][expert]
    }
}
