import GGUF
import Tensors

/// Reads a `ModelDescription` from a file's metadata and tensor table.
///
/// Every value is checked here, once, so that nothing after it needs to doubt a size.
struct ModelDescriptionReader {
    let file: GGUFFile
    let architecture: Architecture

    /// Larger than any model known, small enough that products of two fit.
    private static let largestSize = 1 << 24
    /// Radians per position; every known model stays at 1.
    ///
    /// Times the largest context this is the largest angle whose sine is computed accurately.
    private static let fastestTurn = 16.0

    init(_ file: GGUFFile) throws(ModelError) {
        self.file = file
        let name = try Self.read { () throws(GGUFError) in
            try file.metadata.string("general.architecture")
        }
        architecture = try Architecture.named(name)
    }

    func read() throws(ModelError) -> ModelDescription {
        try refuseUnsupported()
        let hidden = try size("embedding_length")
        let heads = try size("attention.head_count")
        let keyLength = try keyLength(hidden: hidden, heads: heads)
        let expertCount = try optionalSize("expert_count", from: 0) ?? 0
        let description = ModelDescription(
            architecture: architecture,
            name: try Self.read { () throws(GGUFError) in
                try file.metadata.stringIfPresent("general.name") ?? architecture.name
            },
            contextLength: try size("context_length"),
            hiddenSize: hidden,
            vocabularyCount: try vocabularyCount(hidden: hidden),
            headCount: heads,
            keyValueHeadCount: try optionalSize("attention.head_count_kv") ?? heads,
            keyLength: keyLength,
            valueLength: try optionalSize("attention.value_length") ?? keyLength,
            rmsEpsilon: try positive("attention.layer_norm_rms_epsilon", upTo: 1),
            rope: try rope(keyLength: keyLength),
            projectionClamp: try optionalPositive("attention.clamp_kqv"),
            expertCount: expertCount,
            expertsPerToken: expertCount > 0 ? try size("expert_used_count", to: expertCount) : 0,
            normalizesGateWeights: try Self.read { () throws(GGUFError) in
                try file.metadata.boolIfPresent(key("expert_weights_norm"))
            } ?? architecture.normalizesGateWeights,
            gateWeightScale: try optionalPositive("expert_weights_scale") ?? 1,
            tiesEmbeddings: file.tensor(WeightName.output.description) == nil,
            layers: try layers(expertCount: expertCount)
        )
        guard description.headCount % description.keyValueHeadCount == 0 else {
            throw .hyperparameter(
                key: key("attention.head_count_kv"),
                found: "\(description.keyValueHeadCount)",
                expected: "a divisor of the \(heads) heads"
            )
        }
        return description
    }

    /// Values per head: what the file says, else an equal part of the hidden size.
    private func keyLength(hidden: Int, heads: Int) throws(ModelError) -> Int {
        if let length = try optionalSize("attention.key_length") { return length }
        guard hidden % heads == 0 else {
            throw .hyperparameter(
                key: key("attention.head_count"),
                found: "\(heads)",
                expected: "a divisor of the hidden size \(hidden), as there is no key_length"
            )
        }
        return hidden / heads
    }

    private func vocabularyCount(hidden: Int) throws(ModelError) -> Int {
        let embedding = try tensor(.tokenEmbedding)
        guard embedding.dimensions.count == 2, embedding.dimensions[1] <= Self.largestSize else {
            throw .wrongShape(
                tensor: embedding.name,
                found: embedding.dimensions,
                expected: "[\(hidden), vocabulary]"
            )
        }
        return embedding.dimensions[1]
    }

    // MARK: Layers

    private func layers(expertCount: Int) throws(ModelError) -> [ModelDescription.Layer] {
        let count = try size("block_count", to: 1 << 12)
        var layers: [ModelDescription.Layer] = []
        for index in 0..<count { layers.append(try layer(index, expertCount: expertCount)) }
        return layers
    }

    private func layer(
        _ index: Int,
        expertCount: Int
    ) throws(ModelError) -> ModelDescription.Layer {
        // The tensors say what the layer is: metadata has no key for it in all families.
        let hasExperts = LayerRole.allCases.contains { role in
            role.isExpert && optionalTensor(.layer(index, role)) != nil
        }
        guard !hasExperts || expertCount > 0 else {
            throw .hyperparameter(
                key: key("expert_count"),
                found: "missing or 0",
                expected: "the number of experts, as layer \(index) has some"
            )
        }
        let gates = hasExperts ? try tensor(.layer(index, .expertGates)) : nil
        let ups = hasExperts ? try tensor(.layer(index, .expertUps)) : nil
        let types = [gates, ups].compactMap { $0?.type }
        let dense = hasExperts ? nil : try tensor(.layer(index, .denseGate))
        let shared = hasExperts ? optionalTensor(.layer(index, .sharedGate)) : nil
        let hasBias = optionalTensor(.layer(index, .queryBias)) != nil
        return ModelDescription.Layer(
            expertWidth: width(gates),
            denseWidth: width(dense),
            sharedWidth: architecture.hasSharedExpert ? width(shared) : 0,
            hasAttentionBias: hasBias || architecture.attentionBias == .required,
            hasAttentionOutputBias: optionalTensor(.layer(index, .attentionOutputBias)) != nil,
            needsValues: types.contains(where: \.isFloat),
            needsQuants: types.contains { !$0.isFloat }
        )
    }

    /// Outputs of a gate matrix, or 0 where there is none.
    private func width(_ gate: TensorInfo?) -> Int {
        guard let gate else { return 0 }
        // Writers may leave out a trailing one.
        return gate.dimensions.count > 1 ? gate.dimensions[1] : 1
    }

    private func optionalTensor(_ name: WeightName) -> TensorInfo? {
        file.tensor(name.description)
    }

    private func tensor(_ name: WeightName) throws(ModelError) -> TensorInfo {
        guard let found = optionalTensor(name) else {
            throw .missingTensor(name.description, path: file.path)
        }
        return found
    }

    // MARK: Rope

    private func rope(keyLength: Int) throws(ModelError) -> Rope {
        let dimensionCount = try optionalSize("rope.dimension_count") ?? keyLength
        guard dimensionCount % 2 == 0, dimensionCount <= keyLength else {
            throw .hyperparameter(
                key: key("rope.dimension_count"),
                found: "\(dimensionCount)",
                expected: "an even number up to the head's \(keyLength)"
            )
        }
        let base = try optionalPositive("rope.freq_base") ?? 10000
        guard base > 1 else {
            throw .hyperparameter(
                key: key("rope.freq_base"),
                found: "\(base)",
                expected: "more than 1"
            )
        }
        let rope = Rope(
            kind: architecture.ropeKind,
            dimensionCount: dimensionCount,
            base: Double(base),
            scaling: try scaling(),
            factors: try ropeFactors(count: dimensionCount / 2)
        )
        let turns = rope.frequencies.allSatisfy { abs($0) <= Self.fastestTurn }
        guard turns, rope.magnitude.isFinite, rope.magnitude > 0 else {
            throw .hyperparameter(
                key: key("rope.scaling"),
                found: "out of range together with the other rope values",
                expected: "at most \(Self.fastestTurn) radians per position, a positive magnitude"
            )
        }
        return rope
    }

    private func ropeFactors(count: Int) throws(ModelError) -> [Float] {
        guard let factors = optionalTensor(.ropeFactors) else { return [] }
        guard factors.dimensions == [count] else {
            throw .wrongShape(
                tensor: factors.name,
                found: factors.dimensions,
                expected: "[\(count)]"
            )
        }
        guard factors.type == .f32 else {
            throw .unsupportedType(tensor: factors.name, type: factors.type.name, known: ["F32"])
        }
        let bytes = try Self.read { () throws(GGUFError) in try file.read(factors) }
        let values = bytes.floats(at: 0, count: count)
        guard values.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw .hyperparameter(
                key: factors.name,
                found: "0, negative or no number",
                expected: "positive factors"
            )
        }
        return values
    }

    private func scaling() throws(ModelError) -> Rope.Scaling {
        let type = try Self.read { () throws(GGUFError) in
            try file.metadata.stringIfPresent(key("rope.scaling.type"))
        }
        // Files from before scaling had a type name a linear factor alone.
        let oldFactor = try optionalPositive("rope.scale_linear")
        let factor = try optionalPositive("rope.scaling.factor") ?? oldFactor ?? 1
        switch type {
        case "none": return .none
        case nil, "linear": return factor == 1 ? .none : .linear(factor: Double(factor))
        case "yarn":
            let context = try size("context_length")
            let original = try optionalSize("rope.scaling.original_context_length")
            var yarn = Rope.Yarn(
                factor: Double(factor),
                originalContext: Double(original ?? context)
            )
            yarn.extrapolation = Double(try optionalPositive("rope.scaling.yarn_ext_factor") ?? 1)
            yarn.magnitude = try optionalPositive("rope.scaling.yarn_attn_factor")
            yarn.attentionFactor = Double(try optionalPositive("rope.scaling.attn_factor") ?? 1)
            yarn.betaFast = Double(try optionalPositive("rope.scaling.yarn_beta_fast") ?? 32)
            yarn.betaSlow = Double(try optionalPositive("rope.scaling.yarn_beta_slow") ?? 1)
            return .yarn(yarn)
        case .some(let other): throw .unsupported("rope scaling '\(other)'")
        }
    }

    // MARK: Values

    private func refuseUnsupported() throws(ModelError) {
        if let gating = try optionalSize("expert_gating_func", from: 0), gating > 1 {
            throw .unsupported("expert gating function \(gating) (only softmax is)")
        }
        if let window = try optionalSize("attention.sliding_window", from: 0), window > 0 {
            throw .unsupported("sliding-window attention (\(key("attention.sliding_window")))")
        }
        if optionalTensor(WeightName.layer(0, .expertGates)) == nil,
            file.tensor("blk.0.ffn_gate.0.weight") != nil
        {
            throw .unsupported("a file with one tensor per expert (convert it anew)")
        }
    }

    private func key(_ suffix: String) -> String { "\(architecture.name).\(suffix)" }

    private func size(
        _ suffix: String,
        from lowest: Int = 1,
        to largest: Int = largestSize
    ) throws(ModelError) -> Int {
        guard let value = try optionalSize(suffix, from: lowest, to: largest) else {
            throw .hyperparameter(key: key(suffix), found: "missing", expected: "a number")
        }
        return value
    }

    private func optionalSize(
        _ suffix: String,
        from lowest: Int = 1,
        to largest: Int = largestSize
    ) throws(ModelError) -> Int? {
        let found = try Self.read { () throws(GGUFError) in
            try file.metadata.intIfPresent(key(suffix))
        }
        guard let found else { return nil }
        guard (lowest...largest).contains(found) else {
            throw .hyperparameter(
                key: key(suffix),
                found: "\(found)",
                expected: "\(lowest) to \(largest)"
            )
        }
        return found
    }

    private func positive(_ suffix: String, upTo largest: Float) throws(ModelError) -> Float {
        guard let value = try optionalPositive(suffix), value <= largest else {
            throw .hyperparameter(
                key: key(suffix),
                found: "missing or too large",
                expected: "a number up to \(largest)"
            )
        }
        return value
    }

    private func optionalPositive(_ suffix: String) throws(ModelError) -> Float? {
        let found = try Self.read { () throws(GGUFError) in
            try file.metadata.floatIfPresent(key(suffix))
        }
        guard let found else { return nil }
        guard found.isFinite, found > 0 else {
            throw .hyperparameter(
                key: key(suffix),
                found: "\(found)",
                expected: "a positive number"
            )
        }
        return found
    }

    static func read<Value>(_ body: () throws(GGUFError) -> Value) throws(ModelError) -> Value {
        do throws(GGUFError) {
            return try body()
        } catch {
            throw .file(error)
        }
    }
}
