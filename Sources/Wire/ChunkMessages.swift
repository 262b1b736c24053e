public import Cluster
public import Model

/// What goes over the chunk socket, between workers and the coordinator.
public enum ChunkMessage: Equatable, Sendable {
    case request(ChunkRequest)
    case chunk(Chunk)
    case refused(ChunkRefused)
}

/// Asks for bytes of one expert: gate, up and down as the model file stores them.
public struct ChunkRequest: Equatable, Sendable {
    /// The worker's own number for this request.
    public var id: UInt64
    /// Of the whole expert.
    public var digest: ExpertDigest
    public var offset: UInt64
    public var byteCount: Int

    public init(id: UInt64, digest: ExpertDigest, offset: UInt64, byteCount: Int) {
        self.id = id
        self.digest = digest
        self.offset = offset
        self.byteCount = byteCount
    }
}

/// The bytes that a request asked for.
public struct Chunk: Equatable, Sendable {
    public var id: UInt64
    public var bytes: [UInt8]

    public init(id: UInt64, bytes: [UInt8]) {
        self.id = id
        self.bytes = bytes
    }
}

/// Why a request got no chunk.
public struct ChunkRefused: Equatable, Sendable {
    public var id: UInt64
    public var code: ChunkRefusalCode
    /// For people.
    public var text: String

    public init(id: UInt64, code: ChunkRefusalCode, text: String) {
        self.id = id
        self.code = code
        self.text = text
    }
}
