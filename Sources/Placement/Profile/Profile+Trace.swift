extension Profile {
    /// Counts everything that a trace holds.
    public init(_ trace: RoutingTrace, task: String? = nil) {
        var layers: [Layer] = []
        for layer in trace.expertCounts.indices {
            layers.append(Self.layer(layer, of: trace))
        }
        self.init(task: task, rows: Double(trace.rowCount), topK: trace.topK, layers: layers)
    }

    private static func layer(_ layer: Int, of trace: RoutingTrace) -> Layer {
        let experts = trace.expertCounts[layer]
        let following = layer + 1 < trace.expertCounts.count ? trace.expertCounts[layer + 1] : 0
        guard experts > 0 else { return Layer(activations: []) }
        var counts = LayerCounts(experts: experts, following: following)
        for step in 0..<trace.stepCount {
            let chosen = trace.experts(step: step, layer: layer)
            counts.add(chosen, topK: trace.topK, weight: 1)
            guard following > 0 else { continue }
            let next = trace.experts(step: step, layer: layer + 1)
            counts.addTransitions(from: chosen, to: next, topK: trace.topK, weight: 1)
        }
        return counts.layer(scale: 1)
    }
}
