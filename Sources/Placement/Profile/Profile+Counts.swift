extension Profile {
    /// A profile of dense counts; what rounding has lifted above the rows is cut off.
    public init(task: String? = nil, rows: Double, topK: Int, counts: [LayerCounts]) {
        /// Also where the counts came from elsewhere and are no numbers.
        func within(_ count: Double) -> Double { count > 0 ? min(count, rows) : 0 }
        func within(_ pairs: [PairCount]) -> [PairCount] {
            pairs.map { PairCount($0.first, $0.second, count: within($0.count)) }
        }
        self.init(
            task: task,
            rows: rows,
            topK: topK,
            layers: counts.map { counts in
                let layer = counts.layer(scale: 1)
                return Layer(
                    activations: layer.activations.map(within),
                    coactivations: within(layer.coactivations),
                    transitions: within(layer.transitions)
                )
            }
        )
    }
}
