import Foundation
import GGUF
import Model
import Tensors

/// Which experts of a worker's own file were hashed before, and what they hashed to.
///
/// Hashing takes longer than reading on many machines, so the hashes are kept in the state
/// directory and trusted as long as the file's inode, size and times stay.
struct VerifiedExperts {
    private let path: String
    private let key: String
    private var digests: [ExpertID: ExpertDigest] = [:]
    private var hasChanged = false

    /// Bytes of the kept form that are read: some 80 for each expert of the largest model.
    private static let longest = 8 << 20

    /// What was kept in `directory` for this state of the file; nothing where there is none.
    init(of model: ModelFile, in directory: String) {
        path = "\(directory)/verified"
        key =
            "moiety.verified.v1 " + model.file.parts.map(\.identity.text).joined(separator: ",")
        do throws(FileError) {
            let file = try ReadableFile(path: path)
            guard file.byteCount <= Self.longest else { return }
            var bytes = [UInt8](repeating: 0, count: file.byteCount)
            try file.read(at: 0, into: &bytes)
            read(String(decoding: bytes, as: UTF8.self))
        } catch {
            // Then everything is hashed.
        }
    }

    private mutating func read(_ text: String) {
        let lines = text.split(separator: "\n")
        guard let first = lines.first, first == key else { return }
        for line in lines.dropFirst() {
            let words = line.split(separator: " ")
            guard words.count == 3, let layer = Int(words[0]), let index = Int(words[1]),
                let digest = ExpertDigest(hexadecimal: String(words[2]))
            else { continue }
            digests[ExpertID(layer: LayerIndex(layer), index: index)] = digest
        }
    }

    /// Whether the expert is known to hash to that.
    func contains(_ id: ExpertID, _ digest: ExpertDigest) -> Bool { digests[id] == digest }

    mutating func add(_ id: ExpertID, _ digest: ExpertDigest) {
        guard digests[id] != digest else { return }
        digests[id] = digest
        hasChanged = true
    }

    /// Keeps what was added.
    ///
    /// - Throws: what the disk says; the experts are then hashed again next time.
    func save() throws {
        guard hasChanged else { return }
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        let lines = digests.sorted { $0.key < $1.key }.map { id, digest in
            "\(id.layer.rawValue) \(id.index) \(digest.hexadecimal)"
        }
        let file = try AtomicFile(path: path)
        try file.append(Array(([key] + lines).joined(separator: "\n").utf8))
        try file.commit()
    }
}
