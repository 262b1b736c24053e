public import Kernels
public import Model

/// The keys and values of one sequence, in pages that it gives back when it ends.
///
/// Used from the thread that runs its forward pass, and ended there.
public final class SequenceContext {
    let cache: KeyValueCache
    /// Positions the context may hold.
    public var capacity: Int { cache.capacity }

    init(_ cache: KeyValueCache) { self.cache = cache }

    /// One of its pages of 256 positions, in order; others may read it once all are computed.
    public func page(_ index: Int) -> CachePage { cache.page(index) }

    /// Takes memory for positions below `count`, so that a step with them cannot lack it.
    public func makeRoom(for count: Int) throws(ForwardError) {
        guard count <= capacity else { throw .contextFull(capacity: capacity) }
        do throws(CacheError) {
            try cache.makeRoom(for: count)
        } catch {
            throw .cache(error)
        }
    }
}

/// Bounds of the memory for keys and values.
public struct CacheLimits: Equatable, Sendable {
    /// Positions of all sequences together; as much as the scheduler's own limits can use.
    public var positions = 8 * 4096
    public var format = CacheFormat.f16

    public init() {}

    public init(positions: Int, format: CacheFormat = .f16) {
        self.positions = positions
        self.format = format
    }
}

extension CacheLayout {
    /// Where the keys and values of a model lie.
    public init(_ model: ModelDescription, format: CacheFormat) {
        let heads = AttentionShape(
            heads: model.headCount,
            keyValueHeads: model.keyValueHeadCount,
            keyHeadWidth: model.keyLength,
            valueHeadWidth: model.valueLength,
            scale: 1 / Float(model.keyLength).squareRoot()
        )
        self.init(heads: heads, layerCount: model.layerCount, format: format)
    }
}
