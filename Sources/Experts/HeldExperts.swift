public import Model

/// Lends experts to be computed.
public protocol ExpertHolder {
    /// The expert's weights, or nil where it is not held or does not exist.
    subscript(id: ExpertID) -> FeedForwardWeights? { get }
}

/// An expert that a process holds, or a shard of one.
public enum HeldExpert: Sendable {
    /// In memory.
    case weights(FeedForwardWeights)
    /// On disk, whole; it is read when it is chosen.
    case stored
    /// On disk, whole, and in memory in fewer bits.
    case lowered(FeedForwardWeights)

    /// Bytes of memory.
    public var byteCount: Int {
        switch self {
        case .weights(let weights), .lowered(let weights): weights.byteCount
        case .stored: 0
        }
    }
}

/// The experts a process holds, each whole or a shard of it; at the file's precision, where it is
/// not told to lower it.
///
/// A shard is computed like any expert: it is a narrower one.
public struct HeldExperts: ExpertHolder, Sendable {
    /// `[layer][expert]`, nil where not held.
    private var experts: [[HeldExpert?]]
    public private(set) var count = 0
    /// Of these, the ones on disk alone.
    public private(set) var storedCount = 0
    /// Of these, the ones in memory in fewer bits.
    public private(set) var loweredCount = 0
    /// Of memory.
    public private(set) var byteCount = 0

    /// None held yet of a model with `expertCounts` experts per layer.
    public init(expertCounts: [Int]) {
        experts = expertCounts.map { Array(repeating: nil, count: $0) }
    }

    /// The expert's weights, or nil where they are not in memory or it does not exist.
    public subscript(id: ExpertID) -> FeedForwardWeights? {
        switch expert(id) {
        case .weights(let weights), .lowered(let weights): weights
        case .stored, nil: nil
        }
    }

    /// How the expert is held, or nil where it is not or does not exist.
    public func expert(_ id: ExpertID) -> HeldExpert? {
        guard exists(id) else { return nil }
        return experts[id.layer.rawValue][id.index]
    }

    /// Whether it is held on disk alone.
    public func isStored(_ id: ExpertID) -> Bool {
        if case .stored = expert(id) { true } else { false }
    }

    /// Whether it is in memory in fewer bits.
    public func isLowered(_ id: ExpertID) -> Bool {
        if case .lowered = expert(id) { true } else { false }
    }

    /// Whether the model has such an expert.
    public func exists(_ id: ExpertID) -> Bool {
        experts.indices.contains(id.layer.rawValue)
            && experts[id.layer.rawValue].indices.contains(id.index)
    }

    /// - Precondition: the model has such an expert.
    public mutating func insert(_ weights: FeedForwardWeights, as id: ExpertID) {
        insert(.weights(weights), as: id)
    }

    /// - Precondition: the model has such an expert.
    public mutating func insert(_ expert: HeldExpert, as id: ExpertID) {
        remove(id)
        experts[id.layer.rawValue][id.index] = expert
        count += 1
        byteCount += expert.byteCount
        if isStored(id) { storedCount += 1 }
        if isLowered(id) { loweredCount += 1 }
    }

    public mutating func remove(_ id: ExpertID) {
        guard let old = expert(id) else { return }
        if isStored(id) { storedCount -= 1 }
        if isLowered(id) { loweredCount -= 1 }
        experts[id.layer.rawValue][id.index] = nil
        count -= 1
        byteCount -= old.byteCount
    }

    /// Every expert held, by layer, then index.
    public var all: [ExpertID] {
        experts.indices.flatMap { layer in
            experts[layer].indices.lazy
                .filter { experts[layer][$0] != nil }
                .map { ExpertID(layer: LayerIndex(layer), index: $0) }
        }
    }
}
