/// Bounds of the ledger, and how long it keeps what has ended.
public struct LedgerLimits: Equatable, Sendable {
    /// Jobs that have ended and can still be asked for.
    public var endedCount = 100_000
    /// How long an ended job can be asked for.
    public var endedAge = Duration.seconds(7 * 86_400)
    /// Bytes of the file; ended jobs give way from eight tenths of it on, and new
    /// ones are refused from nine tenths on.
    public var byteCount = 1 << 30
    /// Reading every page at start takes at most this long; a larger file is read as far as it
    /// goes.
    public var checkTime = Duration.seconds(5)
    /// Ends between two looks at what is to be forgotten.
    public var pruneInterval = 64
    /// When what could not be written is tried again.
    public var retryTime = Duration.seconds(1)
    /// Unfinished jobs that are read at a time, for each may have a prompt of a megabyte.
    public var unfinishedCount = 16

    public init() {}
}
