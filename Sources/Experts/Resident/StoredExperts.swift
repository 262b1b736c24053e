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
    let memory: SlotMemory
    /// The store first, if there is one, then the model file.
    let sources: [any SlotSource]
    private let store: PackedStore?

    /// Opens the packed experts of a model, or makes them, and takes memory for some.
    ///
    /// - Parameters:
    ///   - tier: nil for experts as they are in the file.
    ///   - importance: by which the tier is rounded.
    ///   - cache: where packed experts are kept.
    ///   - slotCount: experts that are in memory at once, at least one.
    ///   - isCancelled: asked before each expert is packed.
    ///   - progress: told the share of the experts that is packed.
    ///   - onTrouble: told why there is no store: all experts then come from the model file.
    /// - Throws: what reading the model throws, and `shortage`.
    public init(
        _ model: ModelFile,
        tier: LowTier? = nil,
        importance: ColumnImportance? = nil,
        cache: ExpertCache,
        slotCount: Int,
        isCancelled: () -> Bool = { false },
        progress: (Double) -> Void = { _ in },
        onTrouble: (StoreError) -> Void = { _ in }
    ) throws(ModelError) {
        layout = try StoreLayout(tier.map(model.layout.lowered) ?? model.layout)
        expertCounts = model.description.expertCounts
        expertsPerRow = model.description.expertsPerToken
        let maker = try StoreMaker(model, tier: tier, importance: importance, cache: cache)
        do throws(StoreError) {
            store = try maker.open(isCancelled: isCancelled, progress: progress)
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

    /// Sees to it that a damaged store is made anew by whoever opens it next.
    func note(_ trouble: StoreError) {
        if case .damagedExpert = trouble { store?.discard() }
    }
}
