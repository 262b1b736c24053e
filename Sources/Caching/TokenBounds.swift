/// Tells, of the layers that are computed one after another, which ones begin a token.
///
/// Parts of a step take turns in each layer, so one that comes again belongs to the same token.
public struct TokenBounds: Equatable, Sendable {
    private let hasSingleLayer: Bool
    private var last: Int?

    /// - Parameter layerCount: layers that have experts.
    public init(layerCount: Int) { hasSingleLayer = layerCount <= 1 }

    /// A layer is computed.
    ///
    /// - Parameter layer: its index, or its place among those with experts, but always the same of
    ///   both.
    /// - Returns: whether it begins a token: it does not come after the one before, nor is it that
    ///   one again. With a single layer nothing tells parts from tokens: each begins one.
    public mutating func enter(_ layer: Int) -> Bool {
        defer { self.last = layer }
        guard let last else { return true }
        return hasSingleLayer || layer < last
    }
}
