/// Heads of an attention layer.
public struct AttentionShape: Equatable, Sendable {
    public let heads: Int
    /// Key and value heads; each serves `heads / keyValueHeads` adjacent query heads.
    public let keyValueHeads: Int
    public let keyHeadWidth: Int
    public let valueHeadWidth: Int
    /// Factor on the scores, `1 / sqrt(keyHeadWidth)` for most models.
    public let scale: Float

    public init(
        heads: Int,
        keyValueHeads: Int,
        keyHeadWidth: Int,
        valueHeadWidth: Int,
        scale: Float
    ) {
        precondition(heads > 0 && keyValueHeads > 0 && heads % keyValueHeads == 0)
        precondition(keyHeadWidth > 0 && valueHeadWidth > 0)
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.keyHeadWidth = keyHeadWidth
        self.valueHeadWidth = valueHeadWidth
        self.scale = scale
    }

    /// Query heads that share a key and value head.
    var group: Int { heads / keyValueHeads }
    /// Values of a position's keys, all heads together; likewise below.
    var keyWidth: Int { keyValueHeads * keyHeadWidth }
    var valueWidth: Int { keyValueHeads * valueHeadWidth }
}
