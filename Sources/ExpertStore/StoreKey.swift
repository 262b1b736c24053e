import GGUF
public import Model
import Tensors

/// Which model a store was made from, and in which tier: this very file, unchanged since, in this
/// format.
///
/// A header alone does not tell a model from its fine-tuned sisters, so the file's number and the
/// times of its last changes are in it, too: also the one that cannot be set back, because tools
/// copy a file's content over another's together with its times. A copy of the file gets a store of
/// its own, and so does a file that was renamed.
public struct StoreKey: Hashable, Sendable, CustomStringConvertible {
    public let digest: ExpertDigest

    /// Goes up when experts lie otherwise in a file, or in memory, or are summed otherwise.
    static let format: UInt64 = 2
    /// Goes up when weights are rounded otherwise.
    private static let lowFormat: UInt64 = 1

    /// - Parameters:
    ///   - tier: nil for experts as they are in the file.
    ///   - importance: by which the tier is rounded; this very file, as the model's.
    /// - Throws: what reading the model's header throws.
    public init(
        _ model: ModelFile,
        tier: LowTier? = nil,
        importance: ColumnImportance? = nil
    ) throws(ModelError) {
        let identity = try model.identity()
        var hasher = ExpertHasher()
        func add(_ bytes: [UInt8]) {
            let span = bytes.span
            hasher.update(unsafe span.bytes)
        }
        add(identity.headerDigest)
        var numbers = [Self.format, identity.fileByteCount]
        numbers += Self.identity(of: model.file)
        for number in numbers { add(StoreRecord.bytes(of: number)) }
        if let tier {
            add(Array(tier.rawValue.utf8))
            add(StoreRecord.bytes(of: Self.lowFormat))
            for number in importance.map({ Self.identity(of: $0.file) }) ?? [] {
                add(StoreRecord.bytes(of: number))
            }
        }
        digest = hasher.digest()
    }

    private static func identity(of file: GGUFFile) -> [UInt64] {
        file.parts.flatMap { part in
            [
                part.identity.inode, UInt64(part.identity.byteCount),
                UInt64(bitPattern: part.identity.modifiedSeconds),
                UInt64(bitPattern: part.identity.modifiedNanoseconds),
                UInt64(bitPattern: part.identity.changedSeconds),
                UInt64(bitPattern: part.identity.changedNanoseconds),
            ]
        }
    }

    /// The name of its file.
    public var description: String { digest.hexadecimal }
}
