public import ExpertStore
public import Model
public import Storage
import Tensors

/// A model's experts on disk, and memory for some of them, before they are computed.
///
/// Any thread may make it; `SlottedExperts` computes with it.
public struct StoredExperts: Sendable {
    let layout: StoreLayout
    let expertCounts: [Int]
    let expertsPerRow: Int
    /// Whether a layer's experts are in fewer bits than in the file; `[layer]`.
    let isLowered: [Bool]
    let memory: SlotMemory
    /// The store first, if there is one, then the model file.
    let sources: [any SlotSource]
    private let store: PackedStore?
    /// The model file.
    private let path: String

    /// Opens the packed experts of a model, or makes them, and takes memory for some.
    ///
    /// - Parameters:
    ///   - tier: nil for experts as they are in the file.
    ///   - importance: by which the tier is rounded.
    ///   - cache: where packed experts are kept.
    ///   - slotCount: experts that are in memory at once, at least one.
    ///   - mostAtOnce: how many may be there at once before, while a tier is rounded; nil for as
    ///     many as there are slots.
    ///   - isCancelled: asked before each expert is packed.
    ///   - onMaking: as `StoreMaker` has it.
    ///   - progress: told the share of the experts that is packed.
    ///   - onCached: told the path of a store that goes through the system's page cache, because
    ///     its file system knows no other way.
    ///   - onTrouble: told why there is no store: all experts then come from the model file.
    /// - Throws: what reading the model throws, and `shortage`.
    public init(
        _ model: ModelFile,
        tier: LowTier? = nil,
        importance: ColumnImportance? = nil,
        cache: ExpertCache,
        slotCount: Int,
        mostAtOnce: Int? = nil,
        isCancelled: () -> Bool = { false },
        onMaking: (_ byteCount: Int, _ path: String) -> Void = { _, _ in },
        progress: (Double) -> Void = { _ in },
        onCached: (_ path: String) -> Void = { _ in },
        onTrouble: (StoreError) -> Void = { _ in }
    ) throws(ModelError) {
        path = model.path
        layout = try StoreLayout(tier.map(model.layout.lowered) ?? model.layout)
        expertCounts = model.description.expertCounts
        expertsPerRow = model.description.expertsPerToken
        isLowered =
            tier.map(model.layout.areLowered) ?? model.layout.layers.map { _ in false }
        let maker = try StoreMaker(model, tier: tier, importance: importance, cache: cache)
        do throws(StoreError) {
            // The slots take no memory before.
            let store = try maker.open(
                mostAtOnce: mostAtOnce ?? slotCount,
                isCancelled: isCancelled,
                onMaking: onMaking,
                progress: progress
            )
            if !store.isDirect { onCached(store.path) }
            self.store = store
        } catch {
            // A model that cannot be read stays so.
            if case .model(let cause) = error { throw cause }
            onTrouble(error)
            store = nil
        }
        do throws(MemoryShortage) {
            memory = try SlotMemory(slotCount: slotCount, slotByteCount: layout.slotByteCount)
        } catch {
            throw .shortage(error, path: model.path)
        }
        let source = ModelSlots(
            model: model,
            layout: layout,
            tier: tier,
            importance: importance
        )
        sources = store.map { [$0, source] } ?? [source]
    }

    public var slotCount: Int { memory.slotCount }

    /// Sources that are as fast as they should be.
    var fastSourceCount: Int { store == nil ? 0 : 1 }

    /// Reads an expert on the calling thread, into memory of its own.
    ///
    /// - Parameter onTrouble: told why it could not come from where it was looked for first.
    /// - Throws: `differs`, where it comes from nowhere, and `shortage`.
    func load(
        _ id: ExpertID,
        onTrouble: (StoreError) -> Void
    ) throws(ModelError) -> FeedForwardWeights {
        guard let extent = layout.extent(of: id) else { throw .unknownExpert(id, path: path) }
        let memory: SlotMemory
        do throws(MemoryShortage) {
            memory = try SlotMemory(slotCount: 1, slotByteCount: extent.count)
        } catch {
            throw .shortage(error, path: path)
        }
        var trouble: StoreError?
        for source in sources {
            do throws(StoreError) {
                try Self.read(id, from: source, into: memory)
                guard let weights = layout.weights(of: id, in: memory[0]) else { break }
                return weights
            } catch {
                trouble = error
                note(error)
                onTrouble(error)
            }
        }
        let reason = trouble.map { "\($0)" } ?? "it has no place in memory"
        throw .differs("\(id) cannot be read: \(reason)")
    }

    private static func read(
        _ id: ExpertID,
        from source: any SlotSource,
        into memory: SlotMemory
    ) throws(StoreError) {
        var sum: UInt64 = 0
        for block in 0..<max(1, source.blockCount(of: id)) {
            sum &+= try source.read(block, of: id, into: memory, slot: 0)
        }
        try source.check(sum, of: id)
    }

    /// An expert of this tier, where the tier says that it is one.
    func held(_ weights: FeedForwardWeights, as id: ExpertID) -> HeldExpert {
        isLowered[id.layer.rawValue] ? .lowered(weights) : .weights(weights)
    }

    /// Sees to it that a damaged store is made anew by whoever opens it next.
    func note(_ trouble: StoreError) {
        switch trouble {
        case .damagedExpert: store?.discard()
        case .file(let cause) where cause.isDamage: store?.discard()
        default: break
        }
    }
}
