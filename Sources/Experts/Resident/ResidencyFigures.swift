/// What experts on disk cost so far.
public struct ResidencyFigures: Equatable, Sendable {
    /// Experts that a layer needed, each once for all rows of a step.
    public var uses = 0
    /// Of these, the ones that were in memory.
    public var hits = 0
    /// Bytes that were read for the others.
    public var bytesRead = 0
    /// Time in which nothing was computed, because experts were still on their way.
    public var stalled = Duration.zero
    /// Experts that came from the model file, because the store could not give them.
    public var fallbacks = 0

    public init() {}

    /// What came since `earlier`.
    public func since(_ earlier: ResidencyFigures) -> ResidencyFigures {
        var result = self
        result.uses -= earlier.uses
        result.hits -= earlier.hits
        result.bytesRead -= earlier.bytesRead
        result.stalled -= earlier.stalled
        result.fallbacks -= earlier.fallbacks
        return result
    }

    public mutating func add(_ other: ResidencyFigures) {
        uses += other.uses
        hits += other.hits
        bytesRead += other.bytesRead
        stalled += other.stalled
        fallbacks += other.fallbacks
    }
}
