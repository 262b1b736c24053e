import Kernels
public import Model
public import Tensors

/// Experts all of which are in memory in the low tier, and those that weigh most in the high one,
/// too; and their arithmetic, which waits for nothing.
///
/// Which experts are in the high tier depends on what came before, and on when reads end. Used from
/// one thread.
public final class TieredExperts {
    private let arithmetic: ExpertArithmetic
    private let kernels: Kernels
    /// Nil where memory is for the low tier alone.
    private let hot: HotExperts?

    init(hot: HotExperts?, kernels: Kernels) {
        self.hot = hot
        self.kernels = kernels
        arithmetic = ExpertArithmetic(kernels: kernels)
    }

    /// What reads of the high tier have cost.
    public var figures: ResidencyFigures { hot?.figures ?? ResidencyFigures() }

    /// Experts that may be in the high tier at once.
    public var hotLimit: Int { hot?.limit ?? 0 }

    /// Changes that number; the coldest go at once, and give their memory back.
    public func limitHot(to count: Int) { hot?.keep(atMost: count) }

    /// Lets go of what large batches needed.
    public func releaseMemory() { arithmetic.releaseMemory() }

    /// Adds each pair's weighted expert output to its row's sum.
    ///
    /// - Parameters:
    ///   - pairs: rows are those of `activations`.
    ///   - held: the low tier; what it holds otherwise is computed as it is.
    ///   - activations: `[rows, hidden]` in the forms the layer's experts in the file need.
    ///   - sums: `[rows, hidden]`, f64, multiples of 2^-36.
    ///   - onLow: told of each pair that is computed in the low tier.
    /// - Throws: the first expert that is not held; nothing is added then.
    public func run(
        layer: LayerIndex,
        pairs: [ExpertArithmetic.Pair],
        held: HeldExperts,
        activations: Activations,
        into sums: inout [Double],
        onLow: (ExpertArithmetic.Pair) -> Void
    ) throws(MissingExpert) {
        hot?.enter(layer)
        hot?.takeArrivals()
        for pair in pairs {
            let id = ExpertID(layer: layer, index: pair.expert)
            guard held.isLowered(id) else { continue }
            hot?.use(id, gateWeight: pair.gateWeight)
            if hot?[id] == nil { onLow(pair) }
        }
        try arithmetic.run(
            layer: layer,
            pairs: pairs,
            held: Lent(hot: hot, low: held),
            activations: kernels.rounded(activations),
            into: &sums
        )
        hot?.promote { held.isLowered($0) }
    }

    // MARK: While nothing is computed

    /// Takes what coming work is expected to use most of `held`, the most wanted first; `prepare`
    /// brings it into the high tier, and others into what memory is left.
    public func want(_ experts: [ExpertID], of held: HeldExperts) {
        guard let hot else { return }
        let wanted = Set(experts)
        // Of the others those of all layers are as good.
        let others = held.all.filter { !wanted.contains($0) }.sorted {
            ($0.index, $0.layer.rawValue) < ($1.index, $1.layer.rawValue)
        }
        hot.want((experts + others).filter { held.isLowered($0) })
    }

    /// Brings what is wanted and missing into empty slots; waits for nothing.
    ///
    /// To be called between shares, when none is expected soon.
    ///
    /// - Returns: whether reads are under way, so that it is to be called again soon.
    public func prepare() -> Bool { hot?.prepare() ?? false }

    /// Brings all that is wanted into empty slots, and waits for it.
    func fill() { hot?.fill() }
}

/// The better of what there is.
private struct Lent: ExpertHolder {
    let hot: HotExperts?
    let low: HeldExperts

    subscript(id: ExpertID) -> FeedForwardWeights? {
        // A shard is meant where one is held, not the whole expert.
        guard let hot, low.isLowered(id) else { return low[id] }
        return hot[id] ?? low[id]
    }
}

extension Kernels {
    /// The rows in the form that integer weights multiply, too: the low tier of experts that have
    /// float weights in the file wants them so.
    func rounded(_ rows: Activations) -> Activations {
        guard !rows.hasQuants, rows.width.isMultiple(of: Activations.blockLength) else {
            return rows
        }
        var rounded = rows
        quantize(&rounded)
        return rounded
    }
}
