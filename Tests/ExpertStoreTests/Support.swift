import ClusterTesting
import ExpertStore
import Foundation
import Model
import Storage
import Tensors

/// A model, a cache of its own, and what is in it.
struct StoreInDirectory {
    private let place: TemporaryFile
    let cache: ExpertCache
    let model: ModelFile
    let layout: StoreLayout
    let key: StoreKey
    /// `[number]`: made-up bytes of each expert's extent.
    let extents: [Bytes]

    init(_ recipe: TinyModel = TinyModel(), byteLimit: Int = 1 << 30, seed: UInt64 = 1) throws {
        place = try TemporaryFile("cache")
        cache = try ExpertCache(path: place.path, byteLimit: byteLimit, spareByteCount: 0)
        model = try recipe.modelFile()
        let layout = try StoreLayout(model.layout)
        self.layout = layout
        key = try StoreKey(model)
        var random = SeededRandom(seed: seed)
        extents = layout.experts.map { id in
            Bytes(count: layout.extent(of: id)?.count ?? 0) { span in
                for place in span.byteOffsets {
                    let byte = UInt8(truncatingIfNeeded: random.next() >> 8)
                    span.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
                }
            }
        }
    }

    var path: String { cache.packedPath(key.digest) }

    /// Writes all experts, or the first ones.
    func writer(count: Int = .max) throws(StoreError) -> StoreWriter {
        let writer = try StoreWriter(path: path, key: key, layout: layout)
        for extent in extents.prefix(count) {
            try extent.withSpan { span throws(StoreError) in try writer.append(span) }
        }
        return writer
    }

    func write() throws(StoreError) { try writer().commit() }

    func open() throws(StoreError) -> PackedStore {
        try PackedStore(path: path, key: key, layout: layout)
    }

    func flipBit(at offset: Int) throws {
        let handle = try FileHandle(forUpdating: URL(filePath: path))
        try handle.seek(toOffset: UInt64(offset))
        let byte = try handle.read(upToCount: 1)?.first ?? 0
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: Data([byte ^ 4]))
        try handle.close()
    }
}

func content(of bytes: Bytes) -> [UInt8] {
    bytes.withSpan { span in
        unsafe span.withUnsafeBytes { unsafe Array($0) }
    }
}

/// A source whose answers are written down.
struct ScriptedSource: SlotSource {
    let blocks: Int
    /// What it fails with, and for which experts.
    var failing: Set<Int> = []
    var filler: UInt8 = 0
    var isChecked = true

    func blockCount(of expert: ExpertID) -> Int { blocks }

    func read(
        _ block: Int,
        of expert: ExpertID,
        into memory: SlotMemory,
        slot: Int
    ) throws(StoreError) -> UInt64 {
        guard !failing.contains(expert.index) else {
            throw .file(.system(operation: "read", path: "scripted", code: 5))
        }
        memory.write(block..<block + 1, of: slot) { span in
            span.storeBytes(of: filler, toByteOffset: 0, as: UInt8.self)
        }
        return 1
    }

    func check(_ sum: UInt64, of expert: ExpertID) throws(StoreError) {
        guard isChecked, sum == UInt64(blocks) else {
            throw .damagedExpert(expert, path: "scripted")
        }
    }
}
