public import Tensors

/// The three matrices of a gated feed-forward network: down(silu(gate x) * (up x)).
///
/// An expert, a shared expert, or the dense network of a layer without experts.
public struct FeedForwardWeights: Sendable {
    /// `[width, hidden]`.
    public let gate: WeightMatrix
    /// `[width, hidden]`.
    public let up: WeightMatrix
    /// `[hidden, width]`.
    public let down: WeightMatrix

    public init(gate: WeightMatrix, up: WeightMatrix, down: WeightMatrix) {
        self.gate = gate
        self.up = up
        self.down = down
    }

    public var byteCount: Int { gate.byteCount + up.byteCount + down.byteCount }
}
