import Dispatch
public import ExpertStore
import Kernels
public import Model
public import Storage
import Synchronization
import Tensors

/// Finds a model's packed experts in the cache, or makes them.
public struct StoreMaker: Sendable {
    private let model: ModelFile
    private let layout: StoreLayout
    private let key: StoreKey
    private let cache: ExpertCache
    private let tier: LowTier?
    private let importance: ColumnImportance?

    /// - Parameters:
    ///   - tier: nil for experts as they are in the file.
    ///   - importance: by which the tier is rounded.
    /// - Throws: what reading the model's header throws.
    public init(
        _ model: ModelFile,
        tier: LowTier? = nil,
        importance: ColumnImportance? = nil,
        cache: ExpertCache
    ) throws(ModelError) {
        self.model = model
        self.tier = tier
        self.importance = importance
        self.cache = cache
        layout = try StoreLayout(tier.map(model.layout.lowered) ?? model.layout)
        key = try StoreKey(model, tier: tier, importance: importance)
    }

    /// Where the file lies, or is to lie.
    public var path: String { cache.packedPath(key.digest) }

    /// Where it lies; nil where there is none.
    public var existingPath: String? {
        cache.hasPacked(key.digest) ? path : nil
    }

    /// Opens the file; one that is missing, or was damaged, is made anew.
    ///
    /// Where another process is making one, it is waited for as long as it gets on.
    ///
    /// - Parameters:
    ///   - mostAtOnce: experts that may be in memory at once while a tier is rounded; one is, at
    ///     least.
    ///   - isCancelled: asked before each expert, and while another process is waited for; once
    ///     true, making ends with `cancelled`.
    ///   - onMaking: told the bytes and the path of the file before this process makes it.
    ///   - progress: told the share of the experts that is packed.
    public func open(
        mostAtOnce: Int = .max,
        isCancelled: () -> Bool = { false },
        onMaking: (_ byteCount: Int, _ path: String) -> Void = { _, _ in },
        progress: (Double) -> Void = { _ in }
    ) throws(StoreError) -> PackedStore {
        var other = PackingWatch()
        while true {
            if let store = try found() { return store }
            let made = try makeAlone { () throws(StoreError) in
                try make(mostAtOnce, isCancelled, onMaking, progress)
            }
            if let made { return made }
            guard !isCancelled() else { throw .model(.cancelled) }
            let byteCount = try unfinishedByteCount()
            guard other.isGettingOn(byteCount: byteCount, now: .now) else {
                throw .busy(path: path)
            }
            progress(min(1, Double(byteCount) / Double(max(1, layout.byteCount))))
        }
    }

    /// Makes the file while no other process makes one; nil where another does.
    private func makeAlone(
        _ make: () throws(StoreError) -> Void
    ) throws(StoreError) -> PackedStore? {
        try cache.whileMakingPacked(
            patience: PackingWatch.pause,
            failure: { StoreError.cache($0) },
            { () throws(StoreError) in
                // Another process may have made it while this one looked.
                if let store = try found() { return store }
                try remove()
                try make()
                return try PackedStore(path: path, key: key, layout: layout)
            }
        )
    }

    private func unfinishedByteCount() throws(StoreError) -> Int {
        do throws(ExpertCacheError) {
            return try cache.unfinishedByteCount()
        } catch {
            throw .cache(error)
        }
    }

    /// What is there, if it is right.
    private func found() throws(StoreError) -> PackedStore? {
        do throws(StoreError) {
            return try PackedStore(path: path, key: key, layout: layout)
        } catch {
            switch error {
            case .file(let cause) where cause.isMissingFile || cause.isDamage: return nil
            case .damaged: return nil
            default: throw error
            }
        }
    }

    /// Removes what is there and is not right.
    private func remove() throws(StoreError) {
        do throws(ExpertCacheError) {
            try cache.removePacked(key.digest)
        } catch {
            throw .cache(error)
        }
    }

    private func make(
        _ mostAtOnce: Int,
        _ isCancelled: () -> Bool,
        _ onMaking: (Int, String) -> Void,
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
        onMaking(layout.byteCount, path)
        let writer = try StoreWriter(path: path, key: key, layout: layout)
        let source = ModelSlots(
            model: model,
            layout: layout,
            tier: tier,
            importance: importance
        )
        try fill(writer, from: source, mostAtOnce, isCancelled, progress)
        // What was packed must be what the key says.
        try source.requireUnchanged()
        try writer.commit()
    }

    /// Packs all experts.
    private func fill(
        _ writer: StoreWriter,
        from source: ModelSlots,
        _ mostAtOnce: Int,
        _ isCancelled: () -> Bool,
        _ progress: (Double) -> Void
    ) throws(StoreError) {
        let experts = layout.experts
        // Packing experts as they are is the disk's work; to round them takes all cores, as far as
        // there is memory.
        let cores = tier == nil ? 1 : Cores.current().threadCount
        let width = max(1, min(cores, mostAtOnce, experts.count))
        let memory: SlotMemory
        do throws(MemoryShortage) {
            memory = try SlotMemory(slotCount: width, slotByteCount: layout.slotByteCount)
        } catch {
            throw .model(.shortage(error, path: model.path))
        }
        for start in stride(from: 0, to: experts.count, by: width) {
            guard !isCancelled() else { throw .model(.cancelled) }
            let batch = Array(experts[start..<min(start + width, experts.count)])
            try pack(batch, from: source, into: memory)
            for (slot, expert) in batch.enumerated() {
                try memory.write(extent(of: expert), of: slot) { span throws(StoreError) in
                    try writer.append(span.bytes)
                }
            }
            progress(Double(start + batch.count) / Double(experts.count))
        }
    }

    /// Packs an expert into each slot; the first failure counts.
    private func pack(
        _ experts: [ExpertID],
        from source: ModelSlots,
        into memory: SlotMemory
    ) throws(StoreError) {
        let failure = Mutex<StoreError?>(nil)
        DispatchQueue.concurrentPerform(iterations: experts.count) { slot in
            do throws(StoreError) {
                let part = extent(of: experts[slot])
                try memory.write(part, of: slot) { span throws(StoreError) in
                    try source.pack(experts[slot], into: &span)
                }
            } catch {
                failure.withLock { $0 = $0 ?? error }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    /// The bytes of an expert, counted from its start.
    private func extent(of expert: ExpertID) -> Range<Int> {
        0..<(layout.extent(of: expert)?.count ?? 0)
    }
}
