package import Cluster
package import Messaging
package import Model

/// What one load is to bring, and what is known about where from.
package struct LoadOrder: Sendable {
    package let id: LoadID
    /// What is missing.
    package let experts: [WorkerSession.AssignedExpert]
    package let pace: Pace
    /// Everything that is assigned, missing or not: the cache must not give it away.
    package let assigned: [ExpertDigest]
    /// The coordinator's model, where it has said.
    package let model: ModelIdentity?
    package let layout: ExpertLayout
    /// Where it sends chunks from, empty for nowhere; may change while the load is under way.
    package let chunkEndpoint: Latest<String>
}

/// Where a worker's experts came from, and what went wrong on the way, since it started.
package struct SupplyCounts: Equatable, Sendable {
    /// From the file in its settings.
    package var fromFile = 0
    /// From a file in the shared directory.
    package var fromDirectory = 0
    package var fromCache = 0
    /// From the coordinator.
    package var fetched = 0
    /// Bytes that came from the coordinator; what an earlier attempt had left in the cache is not
    /// among them.
    package var fetchedByteCount = 0
    /// Experts of a file or the cache that could not be read or were damaged, and were looked for
    /// elsewhere.
    package var fallBacks = 0
    /// Experts that came from the coordinator and found no room in the cache.
    package var notKept = 0

    package init() {}
}
