public import Caching

/// How experts that do not fit into memory come and go; changes no result.
public struct ResidencyOptions: Hashable, Sendable {
    /// Who gives way.
    public var policy: CachePolicy
    /// Layers whose choice is guessed ahead, so that what they lack is read before they come; 0
    /// reads nothing ahead.
    public var foresight: Int

    /// Layers that can be guessed ahead.
    public static let foresightRange = 0...3

    public init(policy: CachePolicy = .standard, foresight: Int = 1) {
        precondition(Self.foresightRange.contains(foresight), "\(foresight) layers ahead")
        self.policy = policy
        self.foresight = foresight
    }
}
