public import Model

/// What a model's layers needed, pass after pass: a trace of routers' choices as caches see it.
public struct ExpertDemand: Hashable, Sendable {
    /// An expert that a layer needs, and the tier that is loaded where it is missing.
    public struct Need: Hashable, Sendable {
        public let expert: ExpertID
        public let tier: Tier

        public init(_ expert: ExpertID, tier: Tier = .high) {
            self.expert = expert
            self.tier = tier
        }
    }

    /// One layer of one step.
    struct Pass: Hashable, Sendable {
        let layer: LayerIndex
        /// Ascending, each once.
        let needs: Range<Int>
        let beginsSequence: Bool
    }

    public let numbering: ExpertNumbering
    private(set) var passes: [Pass] = []
    private(set) var needs: [Need] = []
    private var beginsSequence = true

    public init(expertCounts: [Int]) { numbering = ExpertNumbering(expertCounts: expertCounts) }

    public var passCount: Int { passes.count }
    public var needCount: Int { needs.count }

    /// The most experts that one layer needs at once: no cache may be smaller.
    public var largestPass: Int { passes.map(\.needs.count).max() ?? 0 }

    /// What comes next belongs to another sequence.
    public mutating func beginSequence() { beginsSequence = true }

    /// Adds a pass; an expert that is named more than once is needed in the highest tier named.
    ///
    /// - Precondition: the experts are the layer's.
    public mutating func append(layer: LayerIndex, _ named: [Need]) {
        let start = needs.count
        for need in named.sorted(by: {
            ($0.expert, $0.tier.rawValue) < ($1.expert, $1.tier.rawValue)
        }) {
            precondition(
                need.expert.layer == layer && numbering.number(of: need.expert) != nil,
                "\(need.expert) in layer \(layer.rawValue)"
            )
            if needs.count > start, needs[needs.count - 1].expert == need.expert { continue }
            needs.append(need)
        }
        passes.append(
            Pass(layer: layer, needs: start..<needs.count, beginsSequence: beginsSequence)
        )
        beginsSequence = false
    }

    /// What each pass needs, in order.
    public var needsByPass: [Set<ExpertID>] {
        passes.map { pass in Set(needs[pass.needs].map(\.expert)) }
    }

    /// The same passes with only the needs that pass a test; tiers are forgotten.
    func filtered(_ isKept: (Need) -> Bool) -> ExpertDemand {
        var part = ExpertDemand(expertCounts: numbering.expertCounts)
        for pass in passes {
            part.beginsSequence = pass.beginsSequence
            let kept = needs[pass.needs].filter(isKept).map { Need($0.expert) }
            part.append(layer: pass.layer, kept)
        }
        return part
    }
}
