import Model

/// Weights that one call of the arithmetic may use.
struct LentExperts: ExpertHolder {
    var layer = LayerIndex(0)
    /// What may be used; `[expert]`.
    var weights: [FeedForwardWeights?]

    init(expertCount: Int) {
        weights = Array(repeating: nil, count: expertCount)
    }

    subscript(id: ExpertID) -> FeedForwardWeights? {
        id.layer == layer ? weights[id.index] : nil
    }
}
