import GGUF
import Tensors

/// The tensors that a model of some description must have, and their shapes.
struct ModelShapes {
    private let model: ModelDescription

    /// GGUF order, fastest first: `[inputs, outputs]`, then experts.
    private var shapes: [WeightName: [Int]] = [:]

    init(_ model: ModelDescription) {
        self.model = model
        shapes[.tokenEmbedding] = [model.hiddenSize, model.vocabularyCount]
        shapes[.outputNorm] = [model.hiddenSize]
        if !model.tiesEmbeddings { shapes[.output] = [model.hiddenSize, model.vocabularyCount] }
        for index in model.layers.indices {
            addAttention(index)
            addFeedForward(index)
        }
    }

    private mutating func addAttention(_ index: Int) {
        let layer = model.layers[index]
        let hidden = model.hiddenSize
        add(index, .attentionNorm, [hidden])
        add(index, .query, [hidden, model.queryWidth])
        add(index, .key, [hidden, model.keyWidth])
        add(index, .value, [hidden, model.valueWidth])
        add(index, .attentionOutput, [model.headCount * model.valueLength, hidden])
        if layer.hasAttentionBias {
            add(index, .queryBias, [model.queryWidth])
            add(index, .keyBias, [model.keyWidth])
            add(index, .valueBias, [model.valueWidth])
        }
        if layer.hasAttentionOutputBias { add(index, .attentionOutputBias, [hidden]) }
        switch model.architecture.queryKeyNorm {
        case .none: break
        case .perHead:
            add(index, .queryNorm, [model.keyLength])
            add(index, .keyNorm, [model.keyLength])
        case .wholeRow:
            add(index, .queryNorm, [model.queryWidth])
            add(index, .keyNorm, [model.keyWidth])
        }
    }

    private mutating func addFeedForward(_ index: Int) {
        let layer = model.layers[index]
        let hidden = model.hiddenSize
        add(index, .feedForwardNorm, [hidden])
        guard layer.hasExperts else {
            add(index, .denseGate, [hidden, layer.denseWidth])
            add(index, .denseUp, [hidden, layer.denseWidth])
            add(index, .denseDown, [layer.denseWidth, hidden])
            return
        }
        let experts = model.expertCount
        add(index, .router, [hidden, experts])
        add(index, .expertGates, [hidden, layer.expertWidth, experts])
        add(index, .expertUps, [hidden, layer.expertWidth, experts])
        add(index, .expertDowns, [layer.expertWidth, hidden, experts])
        guard layer.sharedWidth > 0 else { return }
        add(index, .sharedRouter, [hidden])
        add(index, .sharedGate, [hidden, layer.sharedWidth])
        add(index, .sharedUp, [hidden, layer.sharedWidth])
        add(index, .sharedDown, [layer.sharedWidth, hidden])
    }

    private mutating func add(_ layer: Int, _ role: LayerRole, _ shape: [Int]) {
        shapes[.layer(layer, role)] = shape
    }

    /// Compares a file's tensor table with what the model must have.
    func check(_ file: GGUFFile) throws(ModelError) {
        for (name, shape) in shapes.sorted(by: { $0.key.description < $1.key.description }) {
            guard let tensor = file.tensor(name.description) else {
                throw .missingTensor(name.description, path: file.path)
            }
            guard Self.trimmed(tensor.dimensions) == Self.trimmed(shape) else {
                throw .wrongShape(
                    tensor: tensor.name,
                    found: tensor.dimensions,
                    expected: "\(shape)"
                )
            }
            let types = shape.count == 1 ? [.f32] : ElementType.allCases.filter(\.isComputable)
            guard types.contains(tensor.type) else {
                throw .unsupportedType(
                    tensor: tensor.name,
                    type: tensor.type.name,
                    known: types.map(\.name)
                )
            }
        }
        try refuseMixedPairs(file)
        let known = Set(shapes.keys.map(\.description) + [WeightName.ropeFactors.description])
        if let stranger = file.tensors.first(where: { !known.contains($0.name) }) {
            throw .unknownTensor(stranger.name)
        }
    }

    /// Gate and up multiply the same rows, so both must take them in the same form.
    private func refuseMixedPairs(_ file: GGUFFile) throws(ModelError) {
        let pairs: [(LayerRole, LayerRole)] = [
            (.expertGates, .expertUps), (.sharedGate, .sharedUp), (.denseGate, .denseUp),
        ]
        for layer in model.layers.indices {
            for (gate, up) in pairs {
                guard let gate = file.tensor(WeightName.layer(layer, gate).description),
                    let up = file.tensor(WeightName.layer(layer, up).description),
                    gate.type.isFloat != up.type.isFloat
                else { continue }
                throw .unsupported(
                    "'\(gate.name)' of type \(gate.type.name) beside '\(up.name)' of type "
                        + "\(up.type.name), integers beside floats,"
                )
            }
        }
    }

    /// Without trailing ones, which writers add or leave out.
    private static func trimmed(_ shape: [Int]) -> [Int] {
        var shape = shape
        while shape.count > 1, shape.last == 1 { shape.removeLast() }
        return shape
    }
}
