public import Model

/// Counts what the routers choose, always, and forgets slowly.
///
/// A row counts half as much once `halfLife` more rows have been counted. Instead of shrinking old
/// counts at every step, new rows weigh more and more; a layer's tables are divided once in some
/// sixty half-lives. Memory is fixed when it is made, and counting allocates nothing once the
/// largest step was seen.
public struct ProfileCounter: Sendable {
    /// What bounds a counter.
    public struct Limits: Hashable, Sendable {
        /// 58 layers of 256 experts take 23 MB; beyond the limit nothing is counted.
        public var byteCount = 256 << 20
        /// Parts of a step under way at once, as `ExpertRunner` counts them.
        public var parts = 16

        public init() {}
    }

    public let topK: Int
    /// After how many rows a row counts half.
    public let halfLife: Double
    /// Whether the model's tables fit into the limits; if not, nothing is counted.
    public let isCounting: Bool
    private let limits: Limits
    private var layers: [LayerState]
    /// What each part of the step chose in its latest layer; `[part]`.
    private var latest: [Latest]

    private struct LayerState {
        var counts: LayerCounts
        /// What a row of now weighs; 2^(rows / halfLife), divided as the tables are.
        var weight = 1.0
        /// Rows counted, in weights of the tables.
        var rows = 0.0
    }

    private struct Latest {
        var layer = -1
        var experts: [Int32] = []
    }

    /// - Parameters:
    ///   - expertCounts: `[layer]`, 0 for a layer without experts.
    ///   - halfLife: in rows; positive.
    public init(
        expertCounts: [Int],
        topK: Int,
        halfLife: Double,
        limits: Limits = Limits()
    ) {
        precondition(topK > 0 && halfLife > 0, "top \(topK), half-life \(halfLife)")
        self.topK = topK
        self.halfLife = halfLife
        self.limits = limits
        let following = Array(expertCounts.dropFirst()) + [0]
        let byteCount = zip(expertCounts, following).reduce(0) { sum, pair in
            sum + LayerCounts.byteCount(experts: pair.0, following: pair.1)
        }
        let fits = byteCount <= limits.byteCount
        isCounting = fits
        layers = zip(expertCounts, following).map { experts, following in
            LayerState(
                counts: fits
                    ? LayerCounts(experts: experts, following: following)
                    : LayerCounts(experts: 0, following: 0)
            )
        }
        latest = Array(repeating: Latest(), count: limits.parts)
    }

    /// Counts the rows of one part of a step in one layer.
    ///
    /// Layers of a part come in order, and all with the same rows; other parts may come between.
    ///
    /// - Parameter chosen: `[row][topK]`, as `Routing.experts`.
    public mutating func count(_ chosen: [Int32], layer: LayerIndex, part: Int = 0) {
        let layer = layer.rawValue
        guard isCounting, layers.indices.contains(layer), latest.indices.contains(part) else {
            return
        }
        let rows = chosen.count / topK
        guard rows > 0, chosen.count == rows * topK else { return }
        let weight = Float(layers[layer].weight)
        layers[layer].counts.add(chosen, topK: topK, weight: weight)
        if latest[part].layer == layer - 1, layer > 0, latest[part].experts.count == chosen.count {
            // The earlier layer has counted these rows already, so the weight that it gave them
            // is a step old; over a half-life that is nothing.
            layers[layer - 1].counts.addTransitions(
                from: latest[part].experts,
                to: chosen,
                topK: topK,
                weight: Float(layers[layer - 1].weight)
            )
        }
        remember(chosen, layer: layer, part: part)
        layers[layer].rows += layers[layer].weight * Double(rows)
        age(layer, rows: rows)
    }

    private mutating func remember(_ chosen: [Int32], layer: Int, part: Int) {
        latest[part].layer = layer
        latest[part].experts.removeAll(keepingCapacity: true)
        latest[part].experts.append(contentsOf: chosen)
    }

    private mutating func age(_ layer: Int, rows: Int) {
        layers[layer].weight *= Self.powerOfTwo(Double(rows) / halfLife)
        guard layers[layer].weight > Self.heaviest else { return }
        let factor = 1 / layers[layer].weight
        layers[layer].counts.scale(by: Float(factor))
        layers[layer].rows *= factor
        layers[layer].weight = 1
    }

    /// Far enough from the largest f32, 2^127, for any number of rows.
    private static let heaviest = 0x1p60

    /// 2^x for x of 0 or more, at most 2^60: a step longer than that many half-lives leaves
    /// nothing of what was before anyway.
    private static func powerOfTwo(_ x: Double) -> Double {
        let whole = min(x, 60).rounded(.down)
        let rest = (min(x, 60) - whole) * 0.693_147_180_559_945_3
        // The exponential's series; the rest is below 0.7, so 14 terms reach f64.
        var term = 1.0
        var sum = 1.0
        for index in 1...14 {
            term *= rest / Double(index)
            sum += term
        }
        return sum * Double(sign: .plus, exponent: Int(whole), significand: 1)
    }

    /// What was counted, older rows weighing less.
    public func profile(task: String? = nil) -> Profile {
        // Layers may stand at different rows in the middle of a step.
        let rows = layers.map { $0.rows / $0.weight }.max() ?? 0
        return Profile(
            task: task,
            rows: rows,
            topK: topK,
            layers: layers.map { $0.counts.layer(scale: 1 / $0.weight) }
        ).withinRows()
    }
}

extension Profile {
    /// The same profile without counts that rounding has lifted above the rows.
    fileprivate func withinRows() -> Profile {
        func within(_ pairs: [PairCount]) -> [PairCount] {
            pairs.map { PairCount($0.first, $0.second, count: min($0.count, rows)) }
        }
        return Profile(
            task: task,
            rows: rows,
            topK: topK,
            layers: layers.map { layer in
                Layer(
                    activations: layer.activations.map { min($0, rows) },
                    coactivations: within(layer.coactivations),
                    transitions: within(layer.transitions)
                )
            }
        )
    }
}
