public import Kernels
public import Model
public import Tensors

/// Computes all experts in this process.
///
/// With `owners`, experts are summed part by part as that many workers would: by the one
/// arithmetic this changes no bit, which is how a plan is tried without a cluster.
public final class LocalRunner: ExpertRunner {
    private let held: HeldExperts
    private let arithmetic: ExpertArithmetic
    /// `[layer][expert]`: which part computes it; empty for one part.
    private let owners: [[Int]]
    private let partCount: Int
    private var batch: (layer: LayerIndex, activations: Activations, routing: Routing)?

    /// - Precondition: `held` holds every expert that a router can choose.
    public init(held: HeldExperts, kernels: Kernels, owners: [[Int]] = []) {
        self.held = held
        self.owners = owners
        partCount = (owners.flatMap { $0 }.max() ?? 0) + 1
        arithmetic = ExpertArithmetic(kernels: kernels)
    }

    public func start(
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        batch = (layer, activations, routing)
    }

    public func finish(into sums: inout [Double]) throws(ExpertRunnerError) {
        guard let (layer, activations, routing) = batch else { return }
        batch = nil
        for part in 0..<partCount {
            let pairs = routing.experts.indices.lazy
                .filter { self.owner(of: Int(routing.experts[$0]), in: layer) == part }
                .map { index in
                    ExpertArithmetic.Pair(
                        row: Int32(index / routing.topK),
                        expert: Int(routing.experts[index]),
                        gateWeight: routing.weights[index]
                    )
                }
            do throws(MissingExpert) {
                try arithmetic.run(
                    layer: layer,
                    pairs: pairs,
                    held: held,
                    activations: activations,
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
