package import Cluster
package import Messaging
package import Model

/// What one load is to bring, and what is known about where from.
package struct LoadOrder: Sendable {
    package let id: LoadID
    /// What is missing.
    package let experts: [WorkerSession.AssignedExpert]
    /// Bytes of all shards, those that are missing and those that are held.
    package let shardByteCount: Int
    package let pace: Pace
    /// Everything that is assigned, missing or not: the cache must not give it away.
    package let assigned: [ExpertDigest]
    /// The coordinator's model, where it has said.
    package let model: ModelIdentity?
    package let layout: ExpertLayout
    /// Where it sends chunks from, empty for nowhere; may change while the load is under way.
    package let chunkEndpoint: Latest<String>
}
