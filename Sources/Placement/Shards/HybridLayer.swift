import Model

/// One layer's experts, some of which are cut so that no worker keeps the others waiting.
struct HybridLayer {
    private(set) var entries: [ExpertEntry]
    /// `[expert]`.
    private let rowCounts: [Double]
    /// `[worker]`.
    private let costs: [WorkerCosts]
    private let cutter: ExpertCutter
    /// `[worker]`, what each takes.
    private var times: [Double]

    init(entries: [ExpertEntry], rowCounts: [Double], costs: [WorkerCosts], cutter: ExpertCutter) {
        self.entries = entries
        self.rowCounts = rowCounts
        self.costs = costs
        self.cutter = cutter
        times = Array(repeating: 0, count: costs.count)
        for expert in entries.indices { add(expert, entries[expert], 1, to: &times) }
    }

    /// The layer takes as long as its slowest worker.
    var seconds: Double { times.reduce(0, max) }

    /// Cuts experts of the busiest worker as long as that helps.
    mutating func cut() {
        var whole = self
        for expert in entries.indices { whole.cut(expert) }
        while let expert = bestCut() { cut(expert) }
        if whole.seconds < seconds { self = whole }
    }

    /// The largest expert of the busiest worker that the layer is faster with in shards.
    private func bestCut() -> Int? {
        let limit = seconds
        guard let busiest = times.firstIndex(of: limit) else { return nil }
        return entries.indices
            .filter { entries[$0] == .worker(busiest) && rowCounts[$0] > 0 }
            .sorted { rowCounts[$0] != rowCounts[$1] ? rowCounts[$0] > rowCounts[$1] : $0 < $1 }
            .first { expert in
                var layer = self
                layer.cut(expert)
                // Less than a rounding error is no gain, and would go on for ever.
                return layer.seconds < limit * (1 - 1e-9)
            }
    }

    private mutating func cut(_ expert: Int) {
        let shards = ExpertEntry.shards(cutter.shards(of: expert))
        add(expert, entries[expert], -1, to: &times)
        add(expert, shards, 1, to: &times)
        entries[expert] = shards
    }

    /// Adds, or with a sign of -1 takes away, what an expert costs its workers.
    private func add(_ expert: Int, _ entry: ExpertEntry, _ sign: Double, to times: inout [Double])
    {
        let rows = rowCounts[expert]
        guard rows > 0 else { return }
        let width = entry.shards.reduce(0) { max($0, $1.to) }
        for worker in entry.workers {
            let slice = entry.dimensions(of: worker)
            let part =
                slice.map { Double($0.count) / Double(width) } ?? 1 / Double(entry.workers.count)
            let travelling = slice == nil ? rows * part : rows
            let compute = costs[worker].perExpert * min(1, rows) + costs[worker].perPair * rows
            times[worker] += sign * (part * compute + travelling * costs[worker].perRow)
        }
    }
}
