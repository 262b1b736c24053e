/// What a model is, as plain values: sizes, norms, rope, and how each layer is made.
///
/// Made by `ModelFile` from a file's metadata and tensor table; the forward pass reads it and
/// knows no family by name.
public struct ModelDescription: Equatable, Sendable {
    public let architecture: Architecture
    /// `general.name`, or the architecture's name.
    public let name: String
    /// Positions the model was made for.
    public let contextLength: Int
    /// Width of the residual stream.
    public let hiddenSize: Int
    public let vocabularyCount: Int
    public let headCount: Int
    /// Key and value heads; a divisor of `headCount`.
    public let keyValueHeadCount: Int
    /// Values per query or key head.
    public let keyLength: Int
    /// Values per value head.
    public let valueLength: Int
    public let rmsEpsilon: Float
    public let rope: Rope
    /// Query, key and value projections are clamped to ± this, where the file says so.
    public let projectionClamp: Float?
    /// Experts per layer that has them; 0 for a model without.
    public let expertCount: Int
    /// Experts chosen per row.
    public let expertsPerToken: Int
    /// Whether gate weights of the chosen experts are divided by their sum.
    public let normalizesGateWeights: Bool
    /// Factor on the gate weights after that.
    public let gateWeightScale: Float
    /// Whether the output matrix is the token embedding.
    public let tiesEmbeddings: Bool
    public let layers: [Layer]

    public struct Layer: Equatable, Sendable {
        /// Width of each expert, 0 for a layer without experts.
        public let expertWidth: Int
        /// Width of the dense feed-forward network, 0 where there is none.
        public let denseWidth: Int
        /// Width of the shared expert, 0 where there is none.
        public let sharedWidth: Int
        /// Whether query, key and value projections add a bias.
        public let hasAttentionBias: Bool
        public let hasAttentionOutputBias: Bool
        /// Whether the experts' gate and up matrices multiply unrounded activations.
        public let needsValues: Bool
        /// Whether the experts' gate and up matrices multiply int8 activations.
        public let needsQuants: Bool

        public var hasExperts: Bool { expertWidth > 0 }
    }

    public var layerCount: Int { layers.count }
    /// Experts in each layer: `expertCount`, or 0 where the layer has none.
    public var expertCounts: [Int] { layers.map { $0.hasExperts ? expertCount : 0 } }
    /// Feed-forward dimensions of every expert; nil where there are none.
    public var expertWidth: Int? { layers.first(where: \.hasExperts)?.expertWidth }
    public var queryWidth: Int { headCount * keyLength }
    public var keyWidth: Int { keyValueHeadCount * keyLength }
    public var valueWidth: Int { keyValueHeadCount * valueLength }
}
