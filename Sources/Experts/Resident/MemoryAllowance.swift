public import Storage

/// What a process may have in memory, and where experts are that do not fit.
public struct MemoryAllowance: Sendable {
    public let byteCount: Int
    /// Where packed experts are kept.
    public let cache: ExpertCache
    public let options: ResidencyOptions
    /// Nil where answers stay exact.
    public let lossy: LossyOptions?

    public init(
        byteCount: Int,
        cache: ExpertCache,
        options: ResidencyOptions = ResidencyOptions(),
        lossy: LossyOptions? = nil
    ) {
        self.byteCount = byteCount
        self.cache = cache
        self.options = options
        self.lossy = lossy
    }
}
