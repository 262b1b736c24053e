/// Counts from the routers over some rows: what solvers make plans from.
public struct Profile: Hashable, Sendable {
    /// Whose rows were counted; nil for all of them.
    public let task: String?
    /// Rows counted; a fraction where old rows fade.
    public let rows: Double
    /// Experts that a router chooses per row.
    public let topK: Int
    public let layers: [Layer]

    /// One layer's counts; all empty for a layer without experts.
    public struct Layer: Hashable, Sendable {
        /// Rows that went to each expert; `[expert]`.
        public let activations: [Double]
        /// Rows that went to both experts of this layer, `first < second`; pairs may be missing.
        public let coactivations: [PairCount]
        /// Rows that went to `first` in this layer and to `second` in the next; pairs may be
        /// missing.
        public let transitions: [PairCount]

        public init(
            activations: [Double],
            coactivations: [PairCount] = [],
            transitions: [PairCount] = []
        ) {
            self.activations = activations
            self.coactivations = coactivations
            self.transitions = transitions
        }
    }

    public init(task: String? = nil, rows: Double, topK: Int, layers: [Layer]) {
        self.task = task
        self.rows = rows
        self.topK = topK
        self.layers = layers
    }

    /// Experts of each layer; `[layer]`, 0 for a layer without experts.
    public var expertCounts: [Int] { layers.map(\.activations.count) }

    /// Rows on the busiest expert over the mean; 1 where all are equal; `[layer]`.
    public var skews: [Double] {
        layers.map { layer in
            let total = layer.activations.reduce(0, +)
            guard total > 0, let most = layer.activations.max() else { return 1 }
            return most * Double(layer.activations.count) / total
        }
    }
}

/// How many rows chose two experts.
public struct PairCount: Hashable, Sendable {
    private let firstIndex: UInt16
    private let secondIndex: UInt16
    public let count: Double

    /// - Precondition: indices are below 2^16.
    public init(_ first: Int, _ second: Int, count: Double) {
        firstIndex = UInt16(first)
        secondIndex = UInt16(second)
        self.count = count
    }

    public var first: Int { Int(firstIndex) }
    public var second: Int { Int(secondIndex) }
}

extension Profile {
    /// How large a profile may be.
    public struct Limits: Hashable, Sendable {
        /// 58 layers of 256 experts with every pair take about 80 MB.
        public var fileByteCount = 256 << 20
        public var layers = 1024
        public var expertsPerLayer = 4096
        public var topK = 256

        public init() {}
    }
}
