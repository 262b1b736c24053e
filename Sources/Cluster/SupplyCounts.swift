/// Where a worker's experts came from, and what went wrong on the way, since its process started.
public struct SupplyCounts: Hashable, Sendable {
    /// Experts from the file in its settings.
    public var fromFile: UInt64 = 0
    /// From a file in the directory that machines share.
    public var fromDirectory: UInt64 = 0
    public var fromCache: UInt64 = 0
    /// From the coordinator.
    public var fetched: UInt64 = 0
    /// Bytes that came from the coordinator; what an earlier attempt had left in the cache is not
    /// among them.
    public var fetchedByteCount: UInt64 = 0
    /// Experts that a file or the cache had damaged or could not read, and that were looked for
    /// elsewhere.
    public var fallBacks: UInt64 = 0
    /// Experts that came from the coordinator and found no room in the cache.
    public var notKept: UInt64 = 0

    public init() {}
}
