import Crypto
import GGUF
import Tensors

extension ExpertDigest {
    /// Hashes an expert as `ModelFile.expert` reads it.
    ///
    /// - Precondition: its weights lie as in the file.
    public init(of expert: FeedForwardWeights) {
        precondition(expert.gate.layout == .rows, "panels hash differently from the file")
        var hash = SHA256()
        // The three matrices share one piece of memory, in the order that is hashed.
        expert.gate.bytes.withSpan { span in span.forEachPiece { hash.update(data: $0) } }
        self.init(bytes: Array(hash.finalize()))
    }
}

/// Hashes an expert while it is read: its matrices in order, their rows in order.
public struct ExpertHasher {
    private var hash = SHA256()

    public init() {}

    public mutating func update(_ weights: RawSpan) {
        weights.forEachPiece { hash.update(data: $0) }
    }

    public func digest() -> ExpertDigest { ExpertDigest(bytes: Array(hash.finalize())) }
}

/// Hashes a file of our own while it is written or read: SHA-256.
public struct FileHasher {
    public static let byteCount = 32

    private var hash = SHA256()

    public init() {}

    public mutating func update(_ bytes: ArraySlice<UInt8>) { hash.update(data: bytes) }

    public func digest() -> [UInt8] { Array(hash.finalize()) }
}

extension ModelFile {
    /// Reads an expert and hashes it; nothing stays in memory.
    public func digest(of id: ExpertID) throws(ModelError) -> ExpertDigest {
        var hasher = ExpertHasher()
        for matrix in try stored(id) {
            try read(matrix, rows: 0..<matrix.shape.rowCount) { hasher.update($1) }
        }
        return hasher.digest()
    }

    /// Hashes metadata and tensor tables of all parts; a few megabytes, not the weights.
    public func identity() throws(ModelError) -> ModelIdentity {
        var hash = SHA256()
        try ModelDescriptionReader.read { () throws(GGUFError) in
            for part in file.parts.indices {
                try file.readHeader(ofPart: part) { piece in
                    piece.forEachPiece { hash.update(data: $0) }
                }
            }
        }
        return ModelIdentity(
            fileByteCount: UInt64(file.byteCount),
            headerDigest: Array(hash.finalize())
        )
    }
}
