public import Kernels
public import Model
public import Tensors

/// Computes all experts in this process.
///
/// With several owners, experts are summed owner by owner as that many workers would, each adding
/// what it holds: by the one arithmetic this changes no bit where each expert has one owner, which
/// is how a plan is tried without a cluster. Owners of shards of an expert all add theirs.
public final class LocalRunner: ExpertRunner {
    private let owners: [HeldExperts]
    private let arithmetic: ExpertArithmetic
    /// By part.
    private var batches: [Int: RoutedBatch] = [:]

    /// - Precondition: `held` holds every expert that a router can choose.
    public convenience init(held: HeldExperts, kernels: Kernels) {
        self.init(owners: [held], kernels: kernels)
    }

    /// - Precondition: together, `owners` hold every expert that a router can choose, once.
    public init(owners: [HeldExperts], kernels: Kernels) {
        self.owners = owners
        arithmetic = ExpertArithmetic(kernels: kernels)
    }

    public func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        batches[part] = RoutedBatch(layer: layer, activations: activations, routing: routing)
    }

    public func cancel() { batches.removeAll(keepingCapacity: true) }

    public func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        guard let batch = batches.removeValue(forKey: part) else { return }
        do throws(MissingExpert) {
            for expert in batch.routing.experts {
                let id = ExpertID(layer: batch.layer, index: Int(expert))
                guard owners.contains(where: { $0[id] != nil }) else {
                    throw MissingExpert(id: id)
                }
            }
            for owner in owners { try add(batch, owner, into: &sums) }
        } catch {
            throw .notReady(reason: error.description)
        }
    }

    private func add(
        _ batch: RoutedBatch,
        _ owner: HeldExperts,
        into sums: inout [Double]
    ) throws(MissingExpert) {
        let routing = batch.routing
        let pairs = routing.experts.indices.lazy
            .filter { owner[ExpertID(layer: batch.layer, index: Int(routing.experts[$0]))] != nil }
            .map { routing.pair(at: $0) }
        try arithmetic.run(
            layer: batch.layer,
            pairs: pairs,
            held: owner,
            activations: batch.activations,
            into: &sums
        )
    }
}
