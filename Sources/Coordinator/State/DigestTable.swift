import Dispatch
import Foundation
import GGUF
import Model
import Synchronization
import Tensors

/// The digest of every expert of the coordinator's model, which workers' files must match.
///
/// Reading a whole model takes as long as the disk does, so the table is kept in the state
/// directory and trusted as long as the file's inode, size and times stay.
struct DigestTable: Sendable {
    /// `[layer][expert]`.
    private let digests: [[ExpertDigest]]

    /// The digest of an expert that exists.
    subscript(id: ExpertID) -> ExpertDigest { digests[id.layer.rawValue][id.index] }

    /// Each digest's expert; where several are equal, the first.
    func experts() -> [ExpertDigest: ExpertID] {
        var experts: [ExpertDigest: ExpertID] = [:]
        for (layer, digests) in digests.enumerated() {
            for (index, digest) in digests.enumerated() where experts[digest] == nil {
                experts[digest] = ExpertID(layer: LayerIndex(layer), index: index)
            }
        }
        return experts
    }

    /// Takes the kept table, or makes one and keeps it.
    ///
    /// - Parameter isCancelled: asked before each expert; once true, nothing is kept.
    /// - Throws: `ModelError.cancelled` too.
    static func load(
        for model: ModelFile,
        in state: StateDirectory,
        threadCount: Int,
        isCancelled: @Sendable () -> Bool,
        progress: @Sendable (_ done: Int, _ total: Int) -> Void
    ) throws(CoordinatorError) -> DigestTable {
        let key = Self.key(of: model)
        let name = "digests"
        if let data = try state.read(name), let table = DigestTable(data, key: key, model: model) {
            return table
        }
        let table: DigestTable
        do throws(ModelError) {
            table = try DigestTable(
                hashing: model,
                threadCount: threadCount,
                isCancelled: isCancelled,
                progress: progress
            )
        } catch {
            throw .model(error)
        }
        try state.write(table.encoded(key: key), to: name)
        return table
    }

    /// Reads and hashes every expert, a few at a time; none stays in memory.
    private init(
        hashing model: ModelFile,
        threadCount: Int,
        isCancelled: @Sendable () -> Bool,
        progress: @Sendable (Int, Int) -> Void
    ) throws(ModelError) {
        let counts = model.description.expertCounts
        let experts = counts.enumerated().flatMap { layer, count in
            (0..<count).map { ExpertID(layer: LayerIndex(layer), index: $0) }
        }
        let found = Mutex<(digests: [ExpertID: ExpertDigest], error: ModelError?)>(([:], nil))
        let next = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: max(1, threadCount)) { _ in
            while true {
                let place = next.add(1, ordering: .relaxed).oldValue
                guard place < experts.count, found.withLock({ $0.error == nil }) else { return }
                do throws(ModelError) {
                    guard !isCancelled() else { throw .cancelled }
                    let digest = try model.digest(of: experts[place])
                    let done = found.withLock { state in
                        state.digests[experts[place]] = digest
                        return state.digests.count
                    }
                    progress(done, experts.count)
                } catch {
                    found.withLock { $0.error = $0.error ?? error }
                }
            }
        }
        let (digests, error) = found.withLock { $0 }
        if let error { throw error }
        self.digests = counts.enumerated().map { layer, count in
            (0..<count).compactMap { digests[ExpertID(layer: LayerIndex(layer), index: $0)] }
        }
    }

    // MARK: The kept form: the key's line, then 32 bytes per expert

    /// What must not have changed since the digests were made.
    private static func key(of model: ModelFile) -> String {
        let parts = model.file.parts.map(\.identity.text)
        return "moiety.digests.v1 \(parts.joined(separator: ","))\n"
    }

    private func encoded(key: String) -> Data {
        Data(key.utf8) + Data(digests.joined().flatMap(\.bytes))
    }

    /// Nil where the data was kept for another file, or is not whole.
    private init?(_ data: Data, key: String, model: ModelFile) {
        let counts = model.description.expertCounts
        let size = ExpertDigest.byteCount
        guard data.starts(with: key.utf8) else { return nil }
        let body = Array(data.dropFirst(key.utf8.count))
        guard body.count == counts.reduce(0, +) * size else { return nil }
        var start = 0
        digests = counts.map { count in
            (0..<count).map { _ in
                defer { start += size }
                return ExpertDigest(bytes: Array(body[start..<start + size]))
            }
        }
    }
}
