import Kernels
public import Model
public import Tensors

/// The weights outside the experts: what the coordinator holds.
public struct CoreWeights: Sendable {
    /// `[vocabulary, hidden]`.
    public let embedding: WeightMatrix
    /// `[hidden]`.
    public let outputNorm: [Float]
    /// `[vocabulary, hidden]`; the embedding where the model ties them.
    public let output: WeightMatrix
    public let layers: [Layer]

    public struct Layer: Sendable {
        public let attention: Attention
        /// `[hidden]`.
        public let feedForwardNorm: [Float]
        public let feedForward: FeedForward
    }

    public struct Attention: Sendable {
        /// `[hidden]`.
        let norm: [Float]
        let query, key, value, output: WeightMatrix
        /// Empty where the model has none.
        let queryBias, keyBias, valueBias, outputBias: [Float]
        /// `[head]` or `[all heads]`, empty where the model has none.
        let queryNorm, keyNorm: [Float]
    }

    public enum FeedForward: Sendable {
        case dense(FeedForwardWeights)
        /// `router` is `[experts, hidden]`.
        case experts(router: WeightMatrix, shared: Shared?)
    }

    /// A shared expert behind a sigmoid gate.
    public struct Shared: Sendable {
        /// `[1, hidden]`.
        let gate: WeightMatrix
        let weights: FeedForwardWeights

        /// Whether nothing of it multiplies rounded rows.
        var takesFloats: Bool {
            gate.type.isFloat && weights.gate.type.isFloat && weights.up.type.isFloat
        }
    }

    /// Reads the weights from a model file, on one thread.
    public init(from model: ModelFile) throws(ModelError) {
        try self.init(from: WeightReader(model: model, threadCount: 1))
    }

    /// Reads the weights from a model file.
    public init(from model: WeightReader) throws(ModelError) {
        let description = model.model.description
        model.model.announceCore()
        // Looked up row by row, unless it is the output matrix too.
        let ties = description.tiesEmbeddings
        embedding = try model.matrix(.tokenEmbedding, in: ties ? .panels : .rows)
        outputNorm = try model.vector(.outputNorm)
        output = ties ? embedding : try model.panels(.output)
        var layers: [Layer] = []
        for (index, layer) in description.layers.enumerated() {
            layers.append(
                Layer(
                    attention: try Attention(from: model, layer: index),
                    feedForwardNorm: try model.vector(.layer(index, .feedForwardNorm)),
                    feedForward: try Self.feedForward(of: layer, index: index, from: model)
                )
            )
        }
        self.layers = layers
    }

    private static func feedForward(
        of layer: ModelDescription.Layer,
        index: Int,
        from model: WeightReader
    ) throws(ModelError) -> FeedForward {
        guard layer.hasExperts else {
            return .dense(
                FeedForwardWeights(
                    gate: try model.panels(.layer(index, .denseGate)),
                    up: try model.panels(.layer(index, .denseUp)),
                    down: try model.panels(.layer(index, .denseDown))
                )
            )
        }
        let router = try model.panels(.layer(index, .router))
        guard layer.sharedWidth > 0 else { return .experts(router: router, shared: nil) }
        let weights = FeedForwardWeights(
            gate: try model.panels(.layer(index, .sharedGate)),
            up: try model.panels(.layer(index, .sharedUp)),
            down: try model.panels(.layer(index, .sharedDown))
        )
        let gate = try model.panels(.layer(index, .sharedRouter))
        return .experts(router: router, shared: Shared(gate: gate, weights: weights))
    }

    /// Bytes of all weights, each counted once.
    public var byteCount: Int {
        var seen: Set<ObjectIdentifier> = []
        var total = 0
        func add(_ matrix: WeightMatrix) {
            if seen.insert(ObjectIdentifier(matrix.bytes)).inserted { total += matrix.byteCount }
        }
        add(embedding)
        add(output)
        for layer in layers {
            let attention = layer.attention
            [attention.query, attention.key, attention.value, attention.output].forEach(add)
            switch layer.feedForward {
            case .dense(let weights):
                [weights.gate, weights.up, weights.down].forEach(add)
            case .experts(let router, let shared):
                add(router)
                guard let shared else { continue }
                [shared.gate, shared.weights.gate, shared.weights.up, shared.weights.down]
                    .forEach(add)
            }
        }
        return total
    }
}

extension CoreWeights.Attention {
    init(from model: WeightReader, layer: Int) throws(ModelError) {
        func optional(_ role: LayerRole, when present: Bool) throws(ModelError) -> [Float] {
            present ? try model.vector(.layer(layer, role)) : []
        }
        norm = try model.vector(.layer(layer, .attentionNorm))
        query = try model.panels(.layer(layer, .query))
        key = try model.panels(.layer(layer, .key))
        value = try model.panels(.layer(layer, .value))
        output = try model.panels(.layer(layer, .attentionOutput))
        let facts = model.model.description.layers[layer]
        queryBias = try optional(.queryBias, when: facts.hasAttentionBias)
        keyBias = try optional(.keyBias, when: facts.hasAttentionBias)
        valueBias = try optional(.valueBias, when: facts.hasAttentionBias)
        outputBias = try optional(.attentionOutputBias, when: facts.hasAttentionOutputBias)
        let normed = model.model.description.architecture.queryKeyNorm != .none
        queryNorm = try optional(.queryNorm, when: normed)
        keyNorm = try optional(.keyNorm, when: normed)
    }
}

extension WeightReader {
    fileprivate func vector(_ name: WeightName) throws(ModelError) -> [Float] {
        try model.vector(name)
    }

    /// A matrix in the layout that products want.
    fileprivate func panels(_ name: WeightName) throws(ModelError) -> WeightMatrix {
        try matrix(name, in: .panels)
    }

    fileprivate func matrix(
        _ name: WeightName,
        in layout: WeightMatrix.Layout
    ) throws(ModelError) -> WeightMatrix {
        let stored = try model.stored(name)
        let made = try WeightMatrix.make(
            [stored.shape],
            in: layout,
            shortage: model.shortage,
            fill: { writer throws(ModelError) in
                try read(stored) { rows, weights in writer.write(rows, of: 0, weights) }
            }
        )
        return made[0]
    }
}
