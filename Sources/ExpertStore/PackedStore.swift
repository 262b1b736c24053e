public import Model
public import Tensors

/// A store file, open for reading.
public final class PackedStore: Sendable {
    public let path: String
    public let layout: StoreLayout
    private let file: DirectFile
    private let identity: FileIdentity
    /// By an expert's number.
    private let checksums: [UInt64]

    /// Opens a file and makes sure that it is whole and this model's; its experts are checked when
    /// they are read.
    ///
    /// - Throws: `StoreError.damaged` where it is not.
    public init(path: String, key: StoreKey, layout: StoreLayout) throws(StoreError) {
        let found = try StoreError.wrapping { () throws(FileError) in
            try ReadableFile(path: path)
        }
        let record = try StoreError.wrapping { () throws(FileError) -> StoreRecord? in
            guard found.byteCount == layout.byteCount else { return nil }
            var page = [UInt8](repeating: 0, count: StoreLayout.pageByteCount)
            try found.read(at: 0, into: &page)
            var table = [UInt8](repeating: 0, count: layout.tableByteCount)
            try found.read(at: layout.tableOffset, into: &table)
            return StoreRecord(page: page, table: table, key, layout)
        }
        guard let record else { throw .damaged(path: path) }
        checksums = record.checksums
        identity = found.identity
        file = try StoreError.wrapping { () throws(FileError) in try DirectFile(path: path) }
        guard file.byteCount == layout.byteCount else { throw .damaged(path: path) }
        file.touch()
        self.path = path
        self.layout = layout
    }

    // It was used until now: others that make room let older files go first.
    deinit { file.touch() }

    /// Whether reads go from the disk to where they are wanted, past the system's memory.
    public var isDirect: Bool { file.isDirect }

    /// Takes the file's name away, so that nobody opens it again; this process goes on reading.
    ///
    /// Where that is refused the file is found damaged again, and each time before it is used. One
    /// that another process has made anew meanwhile keeps its name.
    public func discard() {
        do throws(FileError) {
            let present = try ReadableFile(path: path).identity
            guard present.device == identity.device, present.inode == identity.inode else {
                return
            }
            try DirectoryListing.removeFile(path)
        } catch {
            return
        }
    }
}

extension PackedStore: SlotSource {
    public func blockCount(of expert: ExpertID) -> Int { layout.blockCount(of: expert) }

    public func read(
        _ block: Int,
        of expert: ExpertID,
        into memory: SlotMemory,
        slot: Int
    ) throws(StoreError) -> UInt64 {
        guard let extent = layout.extent(of: expert) else {
            throw .damagedExpert(expert, path: path)
        }
        let part = layout.block(block, of: expert)
        return try StoreError.wrapping { () throws(FileError) in
            try memory.write(part, of: slot) { span throws(FileError) in
                try file.read(at: extent.lowerBound + part.lowerBound, into: &span)
                return Checksum.of(span.bytes, seed: UInt64(block))
            }
        }
    }

    public func check(_ sum: UInt64, of expert: ExpertID) throws(StoreError) {
        guard let number = layout.number(of: expert), checksums[number] == sum else {
            throw .damagedExpert(expert, path: path)
        }
    }
}
