/// Which experts a forward pass may use where it is not to wait for the others.
public struct PresentExperts: Equatable, Sendable {
    /// `[layer][expert]`, empty for a layer without experts.
    private let layers: [[Bool]]

    /// - Parameter experts: those that are present; of each layer with experts as many as a row
    ///   takes, or more.
    /// - Throws: the first layer that has too few.
    public init(
        _ experts: some Sequence<ExpertID>,
        of model: ModelDescription
    ) throws(TooFewExperts) {
        var layers = model.expertCounts.map { Array(repeating: false, count: $0) }
        for expert in experts { layers[expert.layer.rawValue][expert.index] = true }
        for (layer, present) in layers.enumerated() where !present.isEmpty {
            let count = present.count { $0 }
            guard count >= model.expertsPerToken else {
                throw TooFewExperts(
                    layer: LayerIndex(layer),
                    count: count,
                    least: model.expertsPerToken
                )
            }
        }
        self.layers = layers
    }

    /// Of one layer, `[expert]`.
    public subscript(layer: Int) -> [Bool] { layers[layer] }

    public func contains(_ expert: ExpertID) -> Bool {
        layers[expert.layer.rawValue][expert.index]
    }
}

/// A layer has fewer present experts than a row takes.
public struct TooFewExperts: Error, Equatable, CustomStringConvertible {
    public let layer: LayerIndex
    public let count: Int
    public let least: Int

    public init(layer: LayerIndex, count: Int, least: Int) {
        self.layer = layer
        self.count = count
        self.least = least
    }

    public var description: String {
        "layer \(layer.rawValue) has \(count) experts in memory, but each token takes "
            + "\(least); keep more of them"
    }
}
