public import Model

/// Lends experts to be computed.
public protocol ExpertHolder {
    /// The expert's weights, or nil where it is not held or does not exist.
    subscript(id: ExpertID) -> FeedForwardWeights? { get }
}

/// The experts a process holds in memory, each at the file's precision, whole or a shard of it.
///
/// A shard is computed like any expert: it is a narrower one.
public struct HeldExperts: ExpertHolder, Sendable {
    /// `[layer][expert]`, nil where not held.
    private var weights: [[FeedForwardWeights?]]
    public private(set) var count = 0
    public private(set) var byteCount = 0

    /// None held yet of a model with `expertCounts` experts per layer.
    public init(expertCounts: [Int]) {
        weights = expertCounts.map { Array(repeating: nil, count: $0) }
    }

    /// The expert's weights, or nil where it is not held or does not exist.
    public subscript(id: ExpertID) -> FeedForwardWeights? {
        guard exists(id) else { return nil }
        return weights[id.layer.rawValue][id.index]
    }

    /// Whether the model has such an expert.
    public func exists(_ id: ExpertID) -> Bool {
        weights.indices.contains(id.layer.rawValue)
            && weights[id.layer.rawValue].indices.contains(id.index)
    }

    /// - Precondition: the model has such an expert.
    public mutating func insert(_ expert: FeedForwardWeights, as id: ExpertID) {
        remove(id)
        weights[id.layer.rawValue][id.index] = expert
        count += 1
        byteCount += expert.byteCount
    }

    public mutating func remove(_ id: ExpertID) {
        guard let old = self[id] else { return }
        weights[id.layer.rawValue][id.index] = nil
        count -= 1
        byteCount -= old.byteCount
    }

    /// Every expert held, by layer, then index.
    public var all: [ExpertID] {
        weights.indices.flatMap { layer in
            weights[layer].indices.lazy
                .filter { weights[layer][$0] != nil }
                .map { ExpertID(layer: LayerIndex(layer), index: $0) }
        }
    }
}
