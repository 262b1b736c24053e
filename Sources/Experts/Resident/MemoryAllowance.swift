public import Storage

/// What a process may have in memory, and where experts are that do not fit.
public struct MemoryAllowance: Sendable {
    public let byteCount: Int
    /// Where packed experts are kept.
    public let cache: ExpertCache
    public let options: ResidencyOptions

    public init(
        byteCount: Int,
        cache: ExpertCache,
        options: ResidencyOptions = ResidencyOptions()
    ) {
        self.byteCount = byteCount
        self.cache = cache
        self.options = options
    }
}
