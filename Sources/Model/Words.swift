/// A transformer layer, counted from 0.
public struct LayerIndex: RawRepresentable, Comparable, Hashable, Sendable {
    public let rawValue: Int

    public init(rawValue: Int) { self.rawValue = rawValue }
    public init(_ index: Int) { rawValue = index }

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// One feed-forward network of one layer.
public struct ExpertID: Comparable, Hashable, Sendable, CustomStringConvertible {
    public let layer: LayerIndex
    /// Counted from 0 within the layer, as the router counts.
    public let index: Int

    public init(layer: LayerIndex, index: Int) {
        self.layer = layer
        self.index = index
    }

    public static func < (a: Self, b: Self) -> Bool {
        (a.layer, a.index) < (b.layer, b.index)
    }

    public var description: String { "expert \(index) of layer \(layer.rawValue)" }
}

/// An expert, or a shard of it: a slice along its width.
///
/// A shard has those rows of gate and up, and those columns of down, that belong to some of the
/// expert's feed-forward dimensions.
public struct ExpertSlice: Comparable, Hashable, Sendable, CustomStringConvertible {
    public let expert: ExpertID
    /// The feed-forward dimensions of a shard; nil for a whole expert.
    public let dimensions: Range<Int>?

    /// Where shards may begin and end: every multiple of this, because dimensions are rounded in
    /// blocks of so many.
    public static let step = 32

    public init(_ expert: ExpertID, dimensions: Range<Int>? = nil) {
        self.expert = expert
        self.dimensions = dimensions
    }

    public static func < (a: Self, b: Self) -> Bool {
        (a.expert, a.dimensions?.lowerBound ?? 0, a.dimensions?.upperBound ?? .max)
            < (b.expert, b.dimensions?.lowerBound ?? 0, b.dimensions?.upperBound ?? .max)
    }

    public var description: String {
        guard let dimensions else { return "\(expert)" }
        return "dimensions \(dimensions.lowerBound)..<\(dimensions.upperBound) of \(expert)"
    }
}

/// What a router chose for a batch: `topK` experts and gate weights per row.
public struct Routing: Equatable, Sendable {
    public let topK: Int
    /// `[rows, topK]`, heaviest first; equal weights list the lower expert first.
    public var experts: [Int32]
    /// `[rows, topK]`, the gate weights that scale each expert's output.
    public var weights: [Float]
    /// `[rows, topK]`, what rows would have gone to if all experts were present; empty where all
    /// are.
    public var wanted: [Int32] = []

    public init(topK: Int, experts: [Int32] = [], weights: [Float] = []) {
        precondition(topK > 0 && experts.count % topK == 0 && experts.count == weights.count)
        self.topK = topK
        self.experts = experts
        self.weights = weights
    }

    public var rowCount: Int { experts.count / topK }
}
