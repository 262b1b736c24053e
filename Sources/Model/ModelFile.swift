public import GGUF
public import Tensors

/// A model file whose description is checked: where each weight lies, and how to read it.
public struct ModelFile: Sendable {
    public let description: ModelDescription
    public let file: GGUFFile
    /// How large its experts are.
    public let layout: ExpertLayout

    /// The path it was opened by: the first part's where there are several.
    public var path: String { file.path }

    /// Opens a GGUF model and checks its tensors against what its architecture needs.
    public init(path: String) throws(ModelError) {
        file = try ModelDescriptionReader.read { () throws(GGUFError) in
            try GGUFFile.open(path: path)
        }
        description = try ModelDescriptionReader(file).read()
        try ModelShapes(description).check(file)
        layout = try ExpertLayout(description, file)
    }

    // MARK: Weights

    /// A matrix, as it lies in the file.
    public func matrix(_ name: WeightName) throws(ModelError) -> WeightMatrix {
        let stored = try stored(name)
        return WeightMatrix(stored.shape, bytes: try read(stored.tensor))
    }

    /// A vector of f32: a norm's weight or a bias.
    public func vector(_ name: WeightName) throws(ModelError) -> [Float] {
        let tensor = try self.tensor(name)
        return try read(tensor).floats(at: 0, count: tensor.dimensions[0])
    }

    /// One expert's three matrices in one piece of memory: gate, then up, then down.
    ///
    /// - Throws: `unknownExpert` too, so that ids from elsewhere may be asked for.
    public func expert(_ id: ExpertID) throws(ModelError) -> FeedForwardWeights {
        let parts = try stored(id)
        let sizes = parts.map { $0.shape.byteCount(in: .rows) }
        let bytes = try Bytes(
            count: sizes.reduce(0, +),
            shortage: shortage,
            fill: { span throws(ModelError) in
                var start = 0
                for (part, size) in zip(parts, sizes) {
                    try read(part.tensor, from: part.start, count: size, into: &span, at: start)
                    start += size
                }
            }
        )
        func matrix(_ part: Int) -> WeightMatrix {
            WeightMatrix(parts[part].shape, bytes: bytes, offset: sizes[..<part].reduce(0, +))
        }
        return FeedForwardWeights(gate: matrix(0), up: matrix(1), down: matrix(2))
    }

    /// Bytes of one expert of a layer; 0 where the layer has none.
    public func expertByteCount(_ layer: LayerIndex) -> Int {
        let roles: [LayerRole] = [.expertGates, .expertUps, .expertDowns]
        return roles.reduce(0) { total, role in
            let tensor = file.tensor(WeightName.layer(layer.rawValue, role).description)
            return total + (tensor?.byteCount ?? 0) / max(1, description.expertCount)
        }
    }

    func requireKnown(_ id: ExpertID) throws(ModelError) {
        guard
            description.layers.indices.contains(id.layer.rawValue),
            description.layers[id.layer.rawValue].hasExperts,
            id.index >= 0, id.index < description.expertCount
        else { throw .unknownExpert(id, path: path) }
    }

    func expertTensors(_ layer: LayerIndex) throws(ModelError) -> [TensorInfo] {
        var tensors: [TensorInfo] = []
        for role in [LayerRole.expertGates, .expertUps, .expertDowns] {
            tensors.append(try tensor(.layer(layer.rawValue, role)))
        }
        return tensors
    }

    func tensor(_ name: WeightName) throws(ModelError) -> TensorInfo {
        guard let tensor = file.tensor(name.description) else {
            throw .missingTensor(name.description, path: path)
        }
        return tensor
    }

    /// Fills `count` bytes of `span` at `place` with a tensor's data from `start` on.
    private func read(
        _ tensor: TensorInfo,
        from start: Int,
        count: Int,
        into span: inout MutableRawSpan,
        at place: Int
    ) throws(ModelError) {
        try span.withPart(place..<place + count) { piece throws(ModelError) in
            try read(tensor, from: start, into: &piece)
        }
    }

    /// Fills `span` with a tensor's data from `start` on.
    func read(
        _ tensor: TensorInfo,
        from start: Int,
        into span: inout MutableRawSpan
    ) throws(ModelError) {
        do throws(GGUFError) {
            try file.read(tensor, from: start, into: &span)
        } catch {
            throw .file(error)
        }
        try requireFinite(span.bytes, of: tensor, from: start)
    }

    private func read(_ tensor: TensorInfo) throws(ModelError) -> Bytes {
        let bytes = try ModelDescriptionReader.read { () throws(GGUFError) in
            try file.read(tensor)
        }
        try bytes.withSpan { span throws(ModelError) in
            try requireFinite(span, of: tensor, from: 0)
        }
        return bytes
    }

    /// Refuses weights of `tensor`, of which the first is at byte `start`, that are no numbers.
    private func requireFinite(
        _ weights: RawSpan,
        of tensor: TensorInfo,
        from start: Int
    ) throws(ModelError) {
        guard let place = tensor.type.firstNotFinite(in: weights) else { return }
        throw .notFinite(
            tensor: tensor.name,
            fileOffset: tensor.fileOffset + start + place,
            path: file.parts[tensor.part].path
        )
    }
}
