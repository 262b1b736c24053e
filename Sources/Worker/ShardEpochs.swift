package import Model
package import Placement

/// Since which plan each shard is held.
///
/// A share that was made under an earlier plan may mean other shards of the same experts, whose sum
/// with the rest would be wrong. Whole experts are the same under every plan.
package struct ShardEpochs: Equatable, Sendable {
    private var epochs: [ExpertID: Epoch] = [:]

    package init() {}

    package mutating func add(_ parts: [ExpertSlice], since epoch: Epoch) {
        for part in parts { epochs[part.expert] = part.dimensions == nil ? nil : epoch }
    }

    package mutating func remove(_ experts: [ExpertID]) {
        for expert in experts { epochs[expert] = nil }
    }

    /// Whether a share made under `epoch` means what is held.
    package func fit(
        _ experts: some Sequence<UInt32>,
        of layer: LayerIndex,
        in epoch: Epoch
    ) -> Bool {
        epochs.isEmpty
            || experts.allSatisfy { index in
                guard let since = epochs[ExpertID(layer: layer, index: Int(index))] else {
                    return true
                }
                return since <= epoch
            }
    }
}
