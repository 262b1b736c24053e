public import ExpertStore
import GGUF
public import Model
public import Storage
import Tensors

/// Finds a model's packed experts in the cache, or makes them.
public struct StoreMaker: Sendable {
    private let model: ModelFile
    private let layout: StoreLayout
    private let key: StoreKey
    private let cache: ExpertCache

    /// - Throws: what reading the model's header throws.
    public init(_ model: ModelFile, cache: ExpertCache) throws(ModelError) {
        self.model = model
        self.cache = cache
        layout = try StoreLayout(model.layout)
        key = try StoreKey(model)
    }

    /// Where the file lies, or is to lie.
    public var path: String { cache.packedPath(key.digest) }

    /// Where it lies; nil where there is none.
    public var existingPath: String? {
        cache.hasPacked(key.digest) ? path : nil
    }

    /// Opens the file; one that is missing, or was damaged, is made anew.
    ///
    /// - Parameters:
    ///   - isCancelled: asked before each expert; once true, making ends with `cancelled`.
    ///   - progress: told the share of the experts that is packed.
    public func open(
        isCancelled: () -> Bool = { false },
        progress: (Double) -> Void = { _ in }
    ) throws(StoreError) -> PackedStore {
        if let store = try found() { return store }
        let made = try cache.whileMakingPacked(
            failure: { StoreError.cache($0) },
            { () throws(StoreError) in
                // Another process may have made it while this one looked.
                if let store = try found() { return store }
                try make(isCancelled, progress)
                return try PackedStore(path: path, key: key, layout: layout)
            }
        )
        guard let made else { throw .busy(path: path) }
        return made
    }

    /// What is there, if it is right; what is not is removed.
    private func found() throws(StoreError) -> PackedStore? {
        do throws(StoreError) {
            return try PackedStore(path: path, key: key, layout: layout)
        } catch {
            switch error {
            case .file(let cause) where cause.isMissingFile: return nil
            case .damaged:
                do throws(ExpertCacheError) {
                    try cache.removePacked(key.digest)
                } catch {
                    throw .cache(error)
                }
                return nil
            default: throw error
            }
        }
    }

    private func make(
        _ isCancelled: () -> Bool,
        _ progress: (Double) -> Void
    ) throws(StoreError) {
        let available: Int?
        do throws(ExpertCacheError) {
            available = try cache.makeRoom(forPacked: key.digest, byteCount: layout.byteCount)
        } catch {
            throw .cache(error)
        }
        if let available {
            throw .noRoom(needed: layout.byteCount, available: available, directory: cache.path)
        }
        let writer = try StoreWriter(path: path, key: key, layout: layout)
        let source = ModelSlots(model: model, layout: layout)
        let memory: SlotMemory
        do throws(MemoryShortage) {
            memory = try SlotMemory(slotCount: 1, slotByteCount: layout.slotByteCount)
        } catch {
            throw .model(.shortage(error, path: model.path))
        }
        let experts = layout.experts
        for (place, expert) in experts.enumerated() {
            guard !isCancelled() else { throw .model(.cancelled) }
            let size = layout.extent(of: expert)?.count ?? 0
            try memory.write(0..<size, of: 0) { span throws(StoreError) in
                try source.pack(expert, into: &span)
                try writer.append(span.bytes)
            }
            progress(Double(place + 1) / Double(experts.count))
        }
        // What was packed must be what the key says.
        guard model.file.isUnchanged else {
            throw .model(.differs("\(model.path) was changed while its experts were packed"))
        }
        try writer.commit()
    }
}
