import Model

/// Cuts experts into a slice for each worker, in proportion to their speeds.
///
/// Borders lie at multiples of 32, so one expert cannot be cut in just that proportion; each is cut
/// a little further than the one before, and the slices of many experts together are.
struct ExpertCutter {
    /// `[worker]`, the part of the width that each is to have; they sum to 1.
    let parts: [Double]
    private let width: Int

    /// - Precondition: a speed is above 0.
    init(speeds: [Double], width: Int) {
        let total = speeds.reduce(0) { $0 + max(0, $1) }
        precondition(total > 0 && width > 0, "nothing to cut or nobody to cut it for")
        parts = speeds.map { max(0, $0) / total }
        self.width = width
    }

    /// The slices of one expert; workers that would get less than a block get none.
    func shards(of index: Int) -> [Shard] {
        let blocks = (width + ExpertSlice.step - 1) / ExpertSlice.step
        // Steps of the golden ratio spread evenly, however many experts there are.
        let phase = (0.5 + Double(index) * 0.618_033_988_749_895).truncatingRemainder(dividingBy: 1)
        var end = 0.0
        var from = 0
        var shards: [Shard] = []
        for (worker, part) in parts.enumerated() {
            end += part
            let isLast = worker == parts.count - 1
            let border = isLast ? blocks : min(blocks, Int(end * Double(blocks) + phase))
            let to = min(width, border * ExpertSlice.step)
            if to > from { shards.append(Shard(worker: worker, from: from, to: to)) }
            from = max(from, to)
        }
        return shards
    }
}
